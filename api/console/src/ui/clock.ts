/** The wall clock of the center; its own element, so that a second redraws nothing else. */

import { html } from 'lit';
import { customElement } from 'lit/decorators.js';
import { currentLanguage, t } from '../core/i18n';
import { dateOnly, timeOnly, weekday } from '../core/time';
import type { Topic } from '../core/topics';
import { View } from './view';

@customElement('canh-clock')
export class Clock extends View {
  protected override readonly topics: Topic[] = ['tick'];

  protected override render() {
    const now = Date.now();
    return html`<div class="clock" title=${t('clock.zone')}>
      <time>${timeOnly(now)}</time>
      <span>${weekday(now, currentLanguage())}, ${dateOnly(now)}</span>
    </div>`;
  }
}
