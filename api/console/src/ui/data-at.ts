/** Of when what the list shows is; warns by itself when the feed is not live. */

import { html } from 'lit';
import { customElement } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { phase } from '../core/feed-state';
import { t } from '../core/i18n';
import { timeOnly } from '../core/time';
import type { Topic } from '../core/topics';
import { View } from './view';

@customElement('canh-data-at')
export class DataAt extends View {
  protected override readonly topics: Topic[] = ['feed', 'tick'];

  protected override render() {
    const { dataAt } = desk.feed;
    const old = phase(desk.feed, Date.now()) !== 'live';
    const text = dataAt === null ? t('list.no_data') : t('list.data_at', { time: timeOnly(dataAt) });
    return html`<span class=${old ? 'data-at old' : 'data-at'}>${text}</span>`;
  }
}
