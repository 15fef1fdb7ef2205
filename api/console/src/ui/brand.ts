/** The mark of the product: a watch over a horizon. */

import { html, type TemplateResult } from 'lit';

export function brand(size: number): TemplateResult {
  return html`<svg class="brand" viewBox="0 0 32 32" width=${size} height=${size} aria-hidden="true">
    <rect width="32" height="32" rx="8" class="brand-field" />
    <path d="M6 19a10 10 0 0 1 20 0M11 19a5 5 0 0 1 10 0M8 25h16" class="brand-line" />
    <circle cx="16" cy="19.5" r="2.2" class="brand-eye" />
  </svg>`;
}
