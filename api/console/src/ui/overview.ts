/** The right side while nothing is selected: how many of what, what waits longest, and how fresh the sources are. */

import { html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { countActive } from '../core/filters';
import { say, t } from '../core/i18n';
import { reference } from '../core/reference';
import type { Topic } from '../core/topics';
import { SEVERITIES, type Counts, type Incident } from '../core/types';
import { icon, kindIcon } from './icons';
import { severityMark, severityName } from './severity';
import { View } from './view';
import './age';
import './overview.css';
import './source-list';

const MOST_KINDS = 6;

@customElement('canh-overview')
export class Overview extends View {
  protected override readonly topics: Topic[] = ['incidents', 'counts', 'filters', 'reference'];

  protected override render() {
    const { counts } = desk;
    const incidents = desk.visible();
    const severe = counts && (counts.by_severity['4'] ?? 0) + (counts.by_severity['5'] ?? 0);
    return html`<div class="overview">
      <h2>${t('overview.title')}</h2>
      <div class="tiles">
        ${this.tile(t('overview.open'), counts?.open, '')}
        ${this.tile(t('overview.unacknowledged'), counts?.unacknowledged, 'warn')}
        ${this.tile(t('overview.critical'), severe ?? undefined, 'bad')}
      </div>
      ${this.oldest(incidents.filter(({ status }) => status === 'new'))} ${this.bySeverity(counts)} ${this.byKind(incidents)}
      <canh-sources></canh-sources>
    </div>`;
  }

  /** What the page works out from its own list is told as such where the list is not all there is. */
  private get partly(): string {
    return countActive(desk.filters) || desk.more ? ` (${t('overview.listed')})` : '';
  }

  /** No number is shown as a dash, never as zero. */
  private tile(name: string, value: number | undefined, tone: string) {
    return html`<div class="tile ${value ? tone : ''}"><b>${value ?? '–'}</b><span>${name}</span></div>`;
  }

  private oldest(fresh: Incident[]) {
    const first = [...fresh].sort((a, b) => (a.opened_at < b.opened_at ? -1 : 1))[0];
    if (!first) return nothing;
    return html`<section class="block">
      <h3>${t('overview.oldest')}${this.partly}</h3>
      <button type="button" class="oldest" @click=${() => desk.select(first.id)}>
        ${severityMark(first.severity, 20)}<span>${say(first.title)}</span><canh-age .when=${first.opened_at}></canh-age>
      </button>
    </section>`;
  }

  private bySeverity(counts: Counts | null) {
    const most = Math.max(1, ...Object.values(counts?.by_severity ?? {}));
    return html`<section class="block">
      <h3>${t('overview.by_severity')}</h3>
      ${SEVERITIES.map((level) => {
        const count = counts?.by_severity[String(level)];
        return html`<div class="bar-row s${level}">
          ${severityMark(level, 16)}<span>${severityName(level)}</span>
          <meter min="0" max=${most} .value=${count ?? 0} aria-label=${severityName(level)}></meter><b>${count ?? '–'}</b>
        </div>`;
      })}
    </section>`;
  }

  private byKind(incidents: Incident[]) {
    const counts = new Map<string, number>();
    for (const { kind } of incidents) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const top = [...counts].sort((a, b) => b[1] - a[1]).slice(0, MOST_KINDS);
    if (!top.length) return nothing;
    return html`<section class="block">
      <h3>${t('overview.by_kind')}${this.partly}</h3>
      ${top.map(([kind, count]) => html`<button type="button" class="kind-row" @click=${() => desk.filter({ kind: [kind] })}>
        ${icon(kindIcon(kind), 15)}<span>${reference.kind(kind)}</span><b>${count}</b></button>`)}
    </section>`;
  }
}
