/** One row of the list. */

import { html, nothing, type TemplateResult } from 'lit';
import { desk } from '../core/desk';
import { say, t } from '../core/i18n';
import { reference } from '../core/reference';
import type { Incident } from '../core/types';
import { icon, kindIcon } from './icons';
import { readings } from './reading';
import { level, severityMark, severityName } from './severity';
import './age';
import './incident-row.css';

export interface RowState {
  selected: boolean;
  /** No longer in the filter, kept in its place because the pointer is in the list. */
  gone: boolean;
  fresh: boolean;
  position: number;
  count: number;
}

export function incidentRow(incident: Incident, state: RowState): TemplateResult {
  const classes = ['row', `s${level(incident.severity)}`, incident.status];
  if (state.selected) classes.push('selected');
  if (state.gone) classes.push('gone');
  if (state.fresh) classes.push('fresh');
  const place = reference.place(incident.commune);
  return html`<div class=${classes.join(' ')} id="row-${incident.id}" data-id=${incident.id} role="option"
    aria-selected=${state.selected} aria-posinset=${state.position} aria-setsize=${state.count}
    @click=${() => desk.select(incident.id)}>
    <span class="row-mark">${severityMark(incident.severity, 24)}</span>
    <span class="row-line"><span class="row-title" title=${say(incident.title)}>${say(incident.title)}</span>
      <canh-age class="row-age" .when=${incident.opened_at}></canh-age></span>
    <span class="row-line"><span class="row-facts">
      ${icon(kindIcon(incident.kind), 14)}
      <span class="sr-only">${reference.kind(incident.kind)}</span>
      <b>${severityName(incident.severity)}</b>
      <span class="row-place">${place}</span>
      ${incident.source_count > 1
        ? html`<span class="row-sources" title=${t('list.sources', { n: incident.source_count })}>${icon('radio', 12)}${incident.source_count}</span>`
        : nothing}
      ${incident.cleared_at === null ? nothing : html`<span class="row-cleared" title=${t('cleared.why')}>${t('cleared')}</span>`}
    </span>
    <span class="status ${incident.status}">${t(`status.${incident.status}`)}</span></span>
    ${readings(incident, 'ages')}
  </div>`;
}
