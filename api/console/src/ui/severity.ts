/** Severity as colour and shape; its word always stands beside or in the label. */

import { svg, html, type TemplateResult } from 'lit';
import { t, type Key } from '../core/i18n';

/** Shapes on a 24 x 24 field: circle, square, triangle, diamond, octagon, for levels 1 to 5. */
export const SHAPES: Record<number, string> = {
  1: 'M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17Z',
  2: 'M6.5 4h11A2.5 2.5 0 0 1 20 6.5v11a2.5 2.5 0 0 1-2.5 2.5h-11A2.5 2.5 0 0 1 4 17.5v-11A2.5 2.5 0 0 1 6.5 4Z',
  3: 'M12 2.6c.7 0 1.3.3 1.7 1l8.2 14.6c.8 1.300-.2 2.900-1.700 2.900H3.800c-1.500 0-2.500-1.600-1.700-2.900L10.300 3.600c.4-.7 1-1 1.700-1Z',
  4: 'M13.600 1.900l8.500 8.500c.9.9.9 2.300 0 3.200l-8.500 8.500c-.9.9-2.300.9-3.200 0l-8.500-8.500c-.9-.9-.9-2.300 0-3.200l8.500-8.500c.9-.9 2.300-.9 3.200 0Z',
  5: 'M8.300 1.800h7.400c.4 0 .8.200 1.100.500l5.200 5.200c.3.300.5.700.5 1.100v7.400c0 .4-.2.800-.5 1.100l-5.200 5.200c-.3.300-.7.500-1.100.500H8.300c-.4 0-.8-.2-1.100-.5l-5.200-5.200c-.3-.3-.5-.7-.5-1.100V8.600c0-.4.2-.8.5-1.100l5.200-5.200c.3-.3.7-.5 1.100-.5Z',
};

export function level(severity: number): number {
  return Math.min(5, Math.max(1, Math.round(severity)));
}

export function severityName(severity: number): string {
  return t(`severity.${level(severity)}` as Key);
}

export function severityMark(severity: number, size = 20): TemplateResult {
  const at = level(severity);
  return html`<svg class="severity-mark s${at}" viewBox="0 0 24 24" width=${size} height=${size} aria-hidden="true">
    ${svg`<path d=${SHAPES[at]} /><text x="12" y=${at === 3 ? 18 : 16.4} text-anchor="middle">${at}</text>`}
  </svg>`;
}
