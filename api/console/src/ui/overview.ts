/** The right side while nothing is selected: how many of what, what waits longest, and how fresh the sources are. */

import { html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { say, t } from '../core/i18n';
import { reference } from '../core/reference';
import type { Topic } from '../core/topics';
import { SEVERITIES, type Incident, type Source } from '../core/types';
import { icon, kindIcon } from './icons';
import { severityMark, severityName } from './severity';
import { View } from './view';
import './age';
import './overview.css';

const MOST_KINDS = 6;
const MOST_SOURCES = 12;
const WORST_FIRST = ['silent', 'late', 'never', 'fresh'];

@customElement('canh-overview')
export class Overview extends View {
  protected override readonly topics: Topic[] = ['incidents', 'reference', 'devices'];

  protected override render() {
    const incidents = desk.visible();
    const fresh = incidents.filter(({ status }) => status === 'new');
    return html`<div class="overview">
      <h2>${t('overview.title')}</h2>
      <div class="tiles">
        ${this.tile(t('overview.open'), incidents.filter(({ status }) => status !== 'closed' && status !== 'resolved').length, '')}
        ${this.tile(t('overview.unacknowledged'), fresh.length, fresh.length ? 'warn' : '')}
        ${this.tile(t('overview.critical'), incidents.filter(({ severity, status }) => severity >= 4 && status !== 'closed').length, 'bad')}
      </div>
      ${this.oldest(fresh)} ${this.bySeverity(incidents)} ${this.byKind(incidents)} ${this.sources()}
    </div>`;
  }

  private tile(name: string, value: number, tone: string) {
    return html`<div class="tile ${value ? tone : ''}"><b>${desk.loading ? '–' : value}</b><span>${name}</span></div>`;
  }

  private oldest(fresh: Incident[]) {
    const first = [...fresh].sort((a, b) => (a.opened_at < b.opened_at ? -1 : 1))[0];
    if (!first) return nothing;
    return html`<section class="block">
      <h3>${t('overview.oldest')}</h3>
      <button type="button" class="oldest" @click=${() => desk.select(first.id)}>
        ${severityMark(first.severity, 20)}<span>${say(first.title)}</span><canh-age .when=${first.opened_at}></canh-age>
      </button>
    </section>`;
  }

  private bySeverity(incidents: Incident[]) {
    const most = Math.max(1, ...SEVERITIES.map((level) => incidents.filter(({ severity }) => severity === level).length));
    return html`<section class="block">
      <h3>${t('overview.by_severity')}</h3>
      ${SEVERITIES.map((level) => {
        const count = incidents.filter(({ severity }) => severity === level).length;
        return html`<div class="bar-row s${level}">
          ${severityMark(level, 16)}<span>${severityName(level)}</span>
          <meter min="0" max=${most} .value=${count} aria-label=${severityName(level)}></meter><b>${count}</b>
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
      <h3>${t('overview.by_kind')}</h3>
      ${top.map(([kind, count]) => html`<button type="button" class="kind-row" @click=${() => desk.filter({ kind: [kind] })}>
        ${icon(kindIcon(kind), 15)}<span>${reference.kind(kind)}</span><b>${count}</b></button>`)}
    </section>`;
  }

  private sources() {
    const { sources } = reference;
    const sorted = [...(sources ?? [])].sort((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state));
    return html`<section class="block">
      <h3>${t('overview.sources')}</h3>
      ${sources === null || !sources.length ? html`<p class="quiet">${t('overview.no_sources')}</p>` : nothing}
      ${sorted.slice(0, MOST_SOURCES).map((source) => this.source(source))}
    </section>`;
  }

  private source({ source, state, last_received_at }: Source) {
    return html`<div class="source-row">
      <i class="fresh-dot ${state}"></i><span title=${source.id}>${source.title || source.id}</span>
      <small>${t(`source.${state}`)}${last_received_at === null ? nothing : html` · <canh-age .when=${last_received_at}></canh-age>`}</small>
    </div>`;
  }
}
