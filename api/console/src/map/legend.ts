/** What the symbols of the map mean. */

import { html, nothing, type TemplateResult } from 'lit';
import { t } from '../core/i18n';
import { SEVERITIES } from '../core/types';
import { icon } from '../ui/icons';
import { severityMark, severityName } from '../ui/severity';

export function legend(open: boolean, toggle: () => void): TemplateResult {
  return html`<div class="legend">
    <button type="button" class="legend-head" aria-expanded=${open} @click=${toggle}>${t('legend.title')}${icon('down', 13)}</button>
    ${open
      ? html`<ul>
          ${SEVERITIES.map((level) => html`<li>${severityMark(level, 15)}${severityName(level)}</li>`)}
          <li><span class="legend-cluster">n</span>${t('legend.cluster')}</li>
          ${(['fresh', 'late', 'silent'] as const).map((state) => html`<li><i class="fresh-dot ${state}"></i>${t(`legend.${state}`)}</li>`)}
        </ul>`
      : nothing}
  </div>`;
}
