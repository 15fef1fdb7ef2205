/** One change of an incident as a sentence in the reader's language. */

import { desk } from '../core/desk';
import { number, t, tMaybe } from '../core/i18n';
import { reference } from '../core/reference';
import type { DetailValue, IncidentChange } from '../core/types';
import { severityName } from './severity';

const RULE = 'rule:';

export function actorName(actor: string): string {
  return actor.startsWith(RULE) ? t('actor.rule', { rule: actor.slice(RULE.length) }) : actor;
}

const text = (value: DetailValue | undefined): string => (value === undefined || value === null ? '' : String(value));

/** What is measured, when the change tells it: "Mực nước 31,45 m, ngưỡng 29,5 m". */
function measured(detail: IncidentChange['detail']): string {
  const { value, threshold } = detail;
  const metric = detail['metric'] ?? desk.detail?.evidence.find(({ signal }) => signal.id === detail['signal'])?.signal.metric;
  if (typeof metric !== 'string' || typeof value !== 'number') return '';
  const unit = reference.unit(metric);
  const limit = typeof threshold === 'number' ? t('change.threshold', { value: `${number(threshold)} ${unit}`.trim() }) : '';
  return `${reference.metric(metric)} ${number(value)} ${unit}`.trim() + limit;
}

/** Everything after the sentence: numbers of the evidence and the words that a person wrote. */
export function changeExtras(change: IncidentChange): string[] {
  const { detail } = change;
  const extras = [measured(detail)];
  if (typeof detail['distance_m'] === 'number') extras.push(t('change.distance', { m: number(detail['distance_m'], 0) }));
  if (typeof detail['delay_s'] === 'number') extras.push(t('change.delay', { s: number(detail['delay_s'], 0) }));
  return extras.filter(Boolean);
}

export function changeText(change: IncidentChange): string {
  return text(change.detail['text']);
}

export function changeSentence(change: IncidentChange): string {
  const { detail } = change;
  const agency = detail['agency'];
  const values = {
    actor: actorName(change.actor),
    severity: severityName(change.severity),
    agency: typeof agency === 'string' ? reference.agency(agency) : t('none'),
    assignee: text(detail['assignee']),
    device: typeof detail['device'] === 'string' ? reference.device(detail['device']) : '',
  };
  const special =
    (change.change === 'assigned' && values.assignee && typeof agency === 'string' && 'change.assigned.both') ||
    (change.change === 'assigned' && values.assignee && 'change.assigned.person') ||
    (change.change === 'signal' && values.device && 'change.signal.device');
  return tMaybe(special || `change.${change.change}`, values) ?? `${values.actor}: ${change.change}`;
}
