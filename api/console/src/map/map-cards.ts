/** What the pointer finds on the map: an incident or a device on a small card. */

import { html, nothing, type TemplateResult } from 'lit';
import { desk } from '../core/desk';
import { currentLanguage, number, say, t } from '../core/i18n';
import { reference } from '../core/reference';
import { age } from '../core/time';
import { severityMark, severityName } from '../ui/severity';
import { deviceState } from './data';

export function incidentCard(id: string): TemplateResult | null {
  const incident = desk.incidents.get(id);
  if (!incident) return null;
  return html`<div class="card">
    <p class="card-title">${severityMark(incident.severity, 18)}<b>${say(incident.title)}</b></p>
    <p>${severityName(incident.severity)} · ${t(`status.${incident.status}`)} · ${reference.place(incident.commune)}</p>
  </div>`;
}

export function deviceCard(id: string): TemplateResult | null {
  const device = reference.devices.find((entry) => entry.id === id);
  if (!device) return null;
  const cadence = reference.sources?.find(({ source }) => source.id === device.source)?.source.cadence_s ?? null;
  const now = Date.now();
  return html`<div class="card">
    <p class="card-title"><i class="fresh-dot ${deviceState(device, cadence, now)}"></i><b>${device.title || device.id}</b></p>
    ${Object.entries(device.last_values).slice(0, 6).map(
      ([metric, value]) => html`<p class="card-value"><span>${reference.metric(metric)}</span><b>${number(value)} ${reference.unit(metric)}</b></p>`,
    )}
    <p class="quiet">${device.last_observed_at === null
      ? t('source.never')
      : t('device.last', { age: age(device.last_observed_at, now, currentLanguage()) })}</p>
    ${reference.place(device.commune) ? html`<p class="quiet">${reference.place(device.commune)}</p>` : nothing}
  </div>`;
}
