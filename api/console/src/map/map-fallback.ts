/** The map without WebGL: a plain drawing of communes and incidents; says so, and everything else works. */

import { html, svg } from 'lit';
import { customElement } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { say, t } from '../core/i18n';
import { reference } from '../core/reference';
import type { Topic } from '../core/topics';
import { icon } from '../ui/icons';
import { level, SHAPES } from '../ui/severity';
import { View } from '../ui/view';
import { ofKind } from './base';
import { boundsOf, path, project, type Box } from './project';

const VIETNAM: Box = [102, 7.5, 116.5, 23.6];
const WIDTH = 1000;

@customElement('canh-map-fallback')
export class MapFallback extends View {
  protected override readonly topics: Topic[] = ['incidents', 'selection', 'reference'];

  protected override render() {
    const communes = reference.communes?.features ?? [];
    const view = project(boundsOf(communes.map(({ geometry }) => geometry)) ?? VIETNAM, WIDTH);
    return html`<p class="note map-note">${icon('info', 15)}${t('map.no_webgl')}</p>
      <svg class="fallback" viewBox="0 0 ${WIDTH} ${view.height}" role="img" aria-label=${t('map.title')}>
        ${ofKind('country').map(({ geometry }) => svg`<path d=${path(geometry, view)} class="locator-country" />`)}
        ${communes.map(({ geometry, properties }) => svg`<path d=${path(geometry, view)} class="fallback-commune"><title>${properties.name}</title></path>`)}
        ${desk.visible().map((incident) => {
          if (incident.lon === null || incident.lat === null) return svg``;
          const [x, y] = view.at(incident.lon, incident.lat);
          const chosen = incident.id === desk.selected;
          return svg`<g transform="translate(${x - 14} ${y - 14}) scale(1.17)" class="severity-mark s${level(incident.severity)} ${chosen ? 'chosen' : ''}"
            @click=${() => desk.select(incident.id)}><path d=${SHAPES[level(incident.severity)]} /><title>${say(incident.title)}</title></g>`;
        })}
      </svg>`;
  }
}
