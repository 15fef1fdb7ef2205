/** The live badge: what may honestly be said about the feed, and its age in seconds (G10). */

import { html } from 'lit';
import { customElement } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { ageS, phase, type Phase } from '../core/feed-state';
import { currentLanguage, number, t } from '../core/i18n';
import { duration, timeOnly } from '../core/time';
import type { Topic } from '../core/topics';
import { icon, type IconName } from './icons';
import { View } from './view';
import './live-badge.css';

const ICONS: Record<Phase, IconName> = {
  connecting: 'loading',
  live: 'radio',
  catching_up: 'refresh',
  stale: 'triangle',
  disconnected: 'unplug',
  reset: 'refresh',
};

@customElement('canh-live-badge')
export class LiveBadge extends View {
  protected override readonly topics: Topic[] = ['feed', 'tick'];

  protected override render() {
    const now = Date.now();
    const at = phase(desk.feed, now);
    return html`<div class="live-badge" data-phase=${at} title=${this.explain(at)}>
      ${icon(ICONS[at], 15)}
      <b>${t(`feed.${at}`)}</b>
      <span class="live-age">${this.ageText(now)}</span>
    </div>`;
  }

  private ageText(now: number): string {
    const seconds = ageS(desk.feed, now);
    return seconds === null ? '' : duration(seconds, currentLanguage());
  }

  private explain(at: Phase): string {
    const { dataAt, lagS } = desk.feed;
    const lines = [t(`feed.${at}.why`)];
    if (dataAt !== null) lines.push(t('feed.data_at', { time: timeOnly(dataAt) }));
    if (lagS !== null) lines.push(t('feed.lag', { seconds: number(lagS, 1) }));
    return lines.join('\n');
  }
}
