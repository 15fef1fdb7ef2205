/** Search and filters as chips; all of it lives in the page's address. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { countActive, NO_FILTERS, SORTS, type Sort } from '../core/filters';
import { say, t } from '../core/i18n';
import { reference } from '../core/reference';
import type { Topic } from '../core/topics';
import { SEVERITIES, STATUSES, type Severity, type Status } from '../core/types';
import { icon, kindIcon } from './icons';
import { severityMark, severityName } from './severity';
import { View } from './view';
import './filter-bar.css';

/** Typing waits this long before the server is asked, ms. */
const TYPING_MS = 250;

const toggle = <T>(list: T[], item: T): T[] => (list.includes(item) ? list.filter((x) => x !== item) : [...list, item]);

@customElement('canh-filter-bar')
export class FilterBar extends View {
  protected override readonly topics: Topic[] = ['filters', 'incidents', 'reference'];
  @state() private open: 'status' | 'kind' | null = null;
  private typing: ReturnType<typeof setTimeout> | undefined;

  private readonly away = (event: Event): void => {
    const escape = event instanceof KeyboardEvent && event.key === 'Escape';
    const outside = event.type === 'pointerdown' && !(event.target as Element).closest?.('.chip-menu');
    if (escape || outside) this.open = null;
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('pointerdown', this.away);
    addEventListener('keydown', this.away);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('pointerdown', this.away);
    removeEventListener('keydown', this.away);
  }

  private search(event: InputEvent): void {
    const q = (event.target as HTMLInputElement).value;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => desk.filter({ q }), TYPING_MS);
  }

  protected override render() {
    const { filters } = desk;
    const active = countActive(filters);
    return html`
      <div class="filter-bar">
        <div class="search">
          ${icon('search', 16)}
          <input type="search" id="search" .value=${filters.q} placeholder=${t('filter.search')} autocomplete="off"
            aria-label=${t('filter.search')} @input=${this.search} />
          <kbd aria-hidden="true">/</kbd>
        </div>
        <div class="chips severities" role="group" aria-label=${t('filter.severity')}>
          ${SEVERITIES.map((severity) => this.severityChip(severity))}
        </div>
        <div class="chips">
          ${this.menu('status', filters.status.length, () => this.statuses())}
          ${this.menu('kind', filters.kind.length, () => this.kinds())}
          <label class="chip sort">${icon('sort', 14)}<select aria-label=${t('sort')} @change=${(event: Event) =>
            desk.filter({ sort: (event.target as HTMLSelectElement).value as Sort })}>
            ${SORTS.map((sort) => html`<option value=${sort} ?selected=${filters.sort === sort}>${t(`sort.${sort}`)}</option>`)}
          </select></label>
          ${active
            ? html`<button type="button" class="chip clear" @click=${() => desk.filter({ ...NO_FILTERS, sort: filters.sort })}>
                ${icon('close', 13)}${t('filter.clear')}</button>`
            : nothing}
        </div>
        ${this.chosen()}
      </div>
    `;
  }

  private severityChip(severity: Severity) {
    const chosen = desk.filters.severity;
    const on = chosen.includes(severity);
    // With a choice the others are not loaded: no number is then shown rather than a wrong one.
    const count = desk.visible().filter((incident) => incident.severity === severity).length;
    const known = !desk.loading && !desk.more && (on || !chosen.length);
    return html`<button type="button" class="chip severity" aria-pressed=${on} title=${severityName(severity)}
      aria-label=${known ? `${severityName(severity)}: ${count}` : severityName(severity)}
      @click=${() => desk.filter({ severity: toggle(desk.filters.severity, severity) })}>
      ${severityMark(severity, 17)}<span>${known ? count : '–'}</span>
    </button>`;
  }

  private menu(name: 'status' | 'kind', count: number, content: () => unknown) {
    return html`<div class="chip-menu">
      <button type="button" class="chip" aria-haspopup="true" aria-expanded=${this.open === name}
        @click=${() => (this.open = this.open === name ? null : name)}>
        ${t(`filter.${name}`)}${count ? html`<b>${count}</b>` : nothing}${icon('down', 13)}
      </button>
      ${this.open === name ? html`<div class="menu">${content()}</div>` : nothing}
    </div>`;
  }

  private statuses() {
    return STATUSES.map((status) =>
      this.option(t(`status.${status}`), desk.filters.status.includes(status), nothing, () => this.setStatus(status)),
    );
  }

  private setStatus(status: Status): void {
    desk.filter({ status: toggle(desk.filters.status, status) });
  }

  private kinds() {
    return reference.kinds.map((kind) =>
      this.option(say(kind), desk.filters.kind.includes(kind.id), icon(kindIcon(kind.id), 15), () =>
        desk.filter({ kind: toggle(desk.filters.kind, kind.id) }),
      ),
    );
  }

  private option(label: string, on: boolean, picture: unknown, act: () => void) {
    return html`<label class="option"><input type="checkbox" .checked=${on} @change=${act} />${picture}<span>${label}</span></label>`;
  }

  private chosen() {
    const { status, kind } = desk.filters;
    if (!status.length && !kind.length) return nothing;
    const chip = (label: string, remove: () => void) => html`<button type="button" class="chip on" @click=${remove}
      title=${t('filter.remove')}>${label}${icon('close', 12)}</button>`;
    return html`<div class="chips">
      ${status.map((one) => chip(t(`status.${one}`), () => this.setStatus(one)))}
      ${kind.map((one) => chip(reference.kind(one), () => desk.filter({ kind: toggle(kind, one) })))}
    </div>`;
  }
}
