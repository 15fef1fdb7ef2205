/** The timeline of the selected incident in sentences, newest first. */

import { html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { t } from '../core/i18n';
import { dateTime, dayMonth, timeOnly } from '../core/time';
import type { Topic } from '../core/topics';
import type { TimelineEntry } from '../core/types';
import { changeExtras, changeSentence, changeText } from './change-sentence';
import { icon, type IconName } from './icons';
import { View } from './view';
import './timeline.css';

const PICTURES: Record<string, IconName> = {
  opened: 'alert', signal: 'activity', escalated: 'triangle', cleared: 'check', recurred: 'refresh',
  acknowledged: 'user', assigned: 'assign', commented: 'comment', resolved: 'done', closed: 'lock',
};
/** More signals than this in a row are folded. */
const FOLD = 3;

@customElement('canh-timeline')
export class Timeline extends View {
  protected override readonly topics: Topic[] = ['detail', 'reference'];

  protected override render() {
    const entries = [...(desk.detail?.timeline ?? [])].sort((a, b) => b.feed_id - a.feed_id);
    return html`<section class="block">
      <h3>${t('timeline.title')}</h3>
      <ol class="timeline">${groups(entries).map((group) => this.group(group))}</ol>
    </section>`;
  }

  private group(group: TimelineEntry[]) {
    if (group.length <= FOLD) return group.map((entry) => this.entry(entry));
    const [first, ...rest] = group;
    return html`${first ? this.entry(first) : nothing}
      <li class="folded"><details><summary>${t('timeline.folded', { n: rest.length })}</summary>
        <ol class="timeline">${rest.map((entry) => this.entry(entry))}</ol></details></li>`;
  }

  private entry({ change }: TimelineEntry) {
    const words = changeText(change);
    const extras = changeExtras(change);
    return html`<li class="entry ${change.change}">
      <span class="entry-mark">${icon(PICTURES[change.change] ?? 'info', 14)}</span>
      <div>
        <p>${changeSentence(change)}</p>
        ${extras.length ? html`<p class="quiet">${extras.join(' · ')}</p>` : nothing}
        ${words ? html`<blockquote>${words}</blockquote>` : nothing}
      </div>
      <time datetime=${change.at} title=${dateTime(change.at)}>${timeOnly(change.at)}<small>${dayMonth(change.at)}</small></time>
    </li>`;
  }
}

/** Runs of signals stand together; everything else stands alone. */
function groups(entries: TimelineEntry[]): TimelineEntry[][] {
  const result: TimelineEntry[][] = [];
  for (const entry of entries) {
    const last = result.at(-1);
    if (entry.change.change === 'signal' && last?.[0]?.change.change === 'signal') last.push(entry);
    else result.push([entry]);
  }
  return result;
}
