/** How long ago something was, ticking by itself. */

import { html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { currentLanguage, t } from '../core/i18n';
import { age, dateTime } from '../core/time';
import type { Topic } from '../core/topics';
import { View } from './view';

@customElement('canh-age')
export class Age extends View {
  protected override readonly topics: Topic[] = ['tick'];
  @property() when = '';
  /** Say "3 phút trước" instead of "3 phút". */
  @property({ type: Boolean }) ago = false;

  protected override render() {
    const long = age(this.when, Date.now(), currentLanguage());
    return html`<time datetime=${this.when} title=${dateTime(this.when)}>${this.ago ? t('ago', { age: long }) : long}</time>`;
  }
}
