/** The selected incident: what, where, who, and what may be done. */

import { html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { say, t } from '../core/i18n';
import type { Problem } from '../core/problem';
import { reference } from '../core/reference';
import { dateTime, timeOnly } from '../core/time';
import type { Topic } from '../core/topics';
import type { Incident } from '../core/types';
import { icon, kindIcon } from './icons';
import { problemText } from './problem-text';
import { readings } from './reading';
import { level, severityMark, severityName } from './severity';
import { View } from './view';
import './action-bar';
import './age';
import './evidence-list';
import './incident-detail.css';
import './sensor-chart';
import './timeline';

@customElement('canh-incident-detail')
export class IncidentDetailPanel extends View {
  protected override readonly topics: Topic[] = ['selection', 'detail', 'incidents', 'reference', 'devices'];

  private readonly escape = (event: KeyboardEvent): void => {
    const busy = (event.target as Element).closest?.('input, textarea, select, dialog, .menu, form');
    if (event.key === 'Escape' && !busy) desk.select(null);
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('keydown', this.escape);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('keydown', this.escape);
  }

  private get incident(): Incident | null {
    const { selected, detail } = desk;
    return (selected && desk.incidents.get(selected)) || detail?.incident || null;
  }

  protected override render() {
    const { incident } = this;
    if (!incident) return this.waiting();
    return html`<article class="detail s${level(incident.severity)}" data-id=${incident.id}>
      <header>
        <div class="detail-top">
          ${severityMark(incident.severity, 22)}
          <b class="severity-word">${severityName(incident.severity)}</b>
          <span class="status ${incident.status}">${t(`status.${incident.status}`)}</span>
          ${incident.marks.includes('simulated') ? html`<span class="simulated small">${icon('flask', 12)}${t('simulated.short')}</span>` : nothing}
          <span class="spring"></span>
          ${this.close()}
        </div>
        <h2 tabindex="-1">${say(incident.title)}</h2>
        <p class="detail-kind">${icon(kindIcon(incident.kind), 15)}${reference.kind(incident.kind)}
          <span class="dot">·</span>${icon('pin', 15)}${reference.place(incident.commune)}</p>
        ${readings(incident, 'times')}
        <canh-action-bar></canh-action-bar>
      </header>
      <div class="detail-body">
        ${this.facts(incident)}
        ${desk.detailProblem ? this.trouble(desk.detailProblem) : nothing}
        ${desk.detail
          ? html`<canh-sensor-chart></canh-sensor-chart>
              <canh-timeline></canh-timeline>
              <canh-evidence></canh-evidence>`
          : desk.detailProblem ? nothing : html`<p class="quiet">${t('list.loading')}</p>`}
      </div>
    </article>`;
  }

  private close() {
    return html`<button type="button" class="ghost icon-only" title=${t('detail.close')} aria-label=${t('detail.close')}
      @click=${() => desk.select(null)}>${icon('close', 17)}</button>`;
  }

  private waiting() {
    return html`<div class="detail"><div class="detail-top"><span class="spring"></span>${this.close()}</div>
      <p class="note ${desk.detailProblem ? 'bad' : ''}">${desk.detailProblem ? problemText(desk.detailProblem) : t('list.loading')}</p></div>`;
  }

  private trouble(problem: Problem) {
    const words = desk.detail ? t('detail.old', { time: timeOnly(desk.detail.as_of) }) : problemText(problem);
    return html`<p class="note bad" role="alert">${icon('triangle', 16)}<span>${words}</span></p>`;
  }

  private facts(incident: Incident) {
    const fact = (name: string, value: unknown) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
    const when = (at: string) => html`${dateTime(at)}<small><canh-age ago .when=${at}></canh-age></small>`;
    return html`<dl class="facts">
      ${fact(t('fact.opened'), when(incident.opened_at))}
      ${fact(t('fact.last_signal'), when(incident.last_signal_at))}
      ${fact(t('fact.agency'), reference.agency(incident.agency))}
      ${fact(t('fact.assignee'), incident.assignee ?? t('none'))}
      ${fact(t('fact.signals'), t('fact.signals.value', { signals: incident.signal_count, sources: incident.source_count }))}
      ${incident.cleared_at === null
        ? fact(t('fact.position'), incident.lon === null || incident.lat === null ? t('none') : `${incident.lat.toFixed(5)}, ${incident.lon.toFixed(5)}`)
        : fact(t('fact.cleared'), when(incident.cleared_at))}
    </dl>`;
  }
}
