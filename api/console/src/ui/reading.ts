/** What is measured now and what was measured when the alarm was gravest, each with its time. */

import { html, nothing, type TemplateResult } from 'lit';
import { number, t } from '../core/i18n';
import { newest } from '../core/readings';
import { reference } from '../core/reference';
import { moment } from '../core/time';
import type { Incident, Reading } from '../core/types';
import './age';
import './reading.css';

export function measure(value: number, unit: string): string {
  return `${number(value)} ${unit}`.trim();
}

/** `form`: ages in a row of the list, times in the details. */
export function readings(incident: Incident, form: 'ages' | 'times'): TemplateResult | typeof nothing {
  const last = newest(incident, reference.devices.find(({ id }) => id === incident.latest?.device));
  if (last === null) return nothing;
  const { gravest } = incident;
  const then = gravest && gravest.at !== last.at ? gravest : null;
  const at = ({ at: when }: Reading) => (form === 'ages' ? html`<canh-age .when=${when}></canh-age>` : moment(when, Date.now()));
  return html`<p class="reading"><b>${words(last)}</b> (${at(last)})${then
    ? html`<span class="reading-then">${t('reading.alarm')} <b>${words(then)}</b> (${at(then)})</span>`
    : nothing}</p>`;
}

function words({ value, metric }: Reading): string {
  return measure(value, reference.unit(metric));
}
