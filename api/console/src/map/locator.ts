/** The whole country on a small drawing, both archipelagos named: stands on every map that shows only a part. */

import { nothing, svg, html, type TemplateResult } from 'lit';
import { currentLanguage } from '../core/i18n';
import { ofKind } from './base';
import { path, project, type Box } from './project';
import './locator.css';

const FRAME: Box = [101.4, 5.7, 117.6, 23.9];
const WIDTH = 180;
const VIEW = project(FRAME, WIDTH);

const LAND = ofKind('land').map(({ geometry }) => path(geometry, VIEW)).join('');
const COUNTRY = ofKind('country', 'island').map(({ geometry }) => path(geometry, VIEW)).join('');

function reefs() {
  return ofKind('reef').map(({ geometry }) => {
    const [lon = 0, lat = 0] = (geometry as GeoJSON.Point).coordinates;
    const [x, y] = VIEW.at(lon, lat);
    return svg`<circle cx=${x} cy=${y} r="1.1" class="locator-reef" />`;
  });
}

function labels() {
  return ofKind('archipelago').map(({ geometry, properties }) => {
    const [lon = 0, lat = 0] = (geometry as GeoJSON.Point).coordinates;
    const [x, y] = VIEW.at(lon, lat);
    const name = (currentLanguage() === 'en' && properties.name_en) || properties.name || '';
    const [first, second] = name.split(' (');
    const left = Math.min(x, WIDTH - 50);
    return svg`<text x=${left} y=${y + 3} text-anchor="middle" class="locator-name">
      <tspan x=${left}>${first}</tspan><tspan x=${left} dy="1.25em">(${second}</tspan></text>`;
  });
}

/** Give the drawing; `shown` is the part that the big map shows. */
export function locator(shown: Box | null = null): TemplateResult {
  return html`<svg class="locator" viewBox="0 0 ${WIDTH} ${Math.round(VIEW.height)}" role="img" aria-label="Việt Nam">
    ${svg`<path d=${LAND} class="locator-land" /><path d=${COUNTRY} class="locator-country" />`}
    ${reefs()} ${labels()} ${shown ? frame(shown) : nothing}
  </svg>`;
}

/** Tell whether a view holds the country with both archipelagos and their names: then nothing need be said apart. */
export function showsAll(view: Box | null): boolean {
  return view !== null && view[0] < 105 && view[1] < 7 && view[2] > 115.2 && view[3] > 17;
}

function frame([west, south, east, north]: Box) {
  const [x, y] = VIEW.at(west, north);
  const [right, bottom] = VIEW.at(east, south);
  const width = Math.max(6, right - x);
  const height = Math.max(6, bottom - y);
  return svg`<rect x=${x} y=${y} width=${width} height=${height} rx="1" class="locator-view" />`;
}
