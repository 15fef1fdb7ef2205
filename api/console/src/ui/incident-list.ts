/** The list of incidents: only rows in view are drawn, and no row moves under the pointer. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { desk, MOST_ROWS } from '../core/desk';
import { countActive, NO_FILTERS } from '../core/filters';
import { t } from '../core/i18n';
import { neighbour, pinned, reorder } from '../core/order';
import type { Topic } from '../core/topics';
import { act } from './actions';
import { icon } from './icons';
import { incidentRow } from './incident-row';
import { problemText } from './problem-text';
import { View } from './view';
import './data-at';
import './incident-list.css';

/** Height of a row, px; the style sheet has the same. */
const ROW = 88;
/** Rows drawn beyond each edge. */
const SPARE = 8;

@customElement('canh-incident-list')
export class IncidentList extends View {
  protected override readonly topics: Topic[] = ['incidents', 'selection', 'filters', 'reference', 'devices'];
  @state() private top = 0;
  @state() private height = 800;
  private shown: string[] = [];
  private waiting = 0;
  private pointerInside = false;
  private generation = -1;
  private fresh = new Set<string>();
  private readonly size = new ResizeObserver(([entry]) => {
    this.height = entry?.contentRect.height ?? this.height;
  });

  private readonly onKey = (event: KeyboardEvent): void => this.key(event);

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('keydown', this.onKey);
    // On the whole list: the way to the button of waiting rows must not let the rows go.
    this.onpointerenter = () => (this.pointerInside = true);
    this.onpointerleave = () => this.left();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('keydown', this.onKey);
    this.size.disconnect();
  }

  private get scroller(): HTMLElement | null {
    return this.querySelector('.rows');
  }

  private get held(): boolean {
    return this.pointerInside || (this.scroller?.scrollTop ?? 0) > 4;
  }

  protected override willUpdate(): void {
    const anew = this.generation !== desk.generation || (desk.loading && !this.shown.length);
    const sorted = anew ? desk.visible().map(({ id }) => id) : this.sorted();
    if (anew && this.scroller) this.scroller.scrollTop = 0;
    this.generation = desk.generation;
    const before = new Set(this.shown);
    const { shown, waiting } = reorder(this.shown, sorted, this.held && !anew && this.shown.length > 0);
    if (!anew && before.size) this.fresh = new Set([...shown.filter((id) => !before.has(id)), ...this.fresh].slice(0, 50));
    this.shown = shown;
    this.waiting = waiting;
  }

  private sorted(): string[] {
    return pinned(this.shown, desk.visible().map(({ id }) => id), desk.selected);
  }

  private release(toTop: boolean): void {
    const before = new Set(this.shown);
    this.shown = this.sorted();
    this.fresh = new Set(this.shown.filter((id) => !before.has(id)));
    this.waiting = 0;
    if (toTop && this.scroller) this.scroller.scrollTop = 0;
    this.requestUpdate();
  }

  protected override firstUpdated(): void {
    if (this.scroller) this.size.observe(this.scroller);
  }

  protected override updated(): void {
    // Heights are set through the object model: the security policy forbids style attributes.
    const [first, last] = this.window();
    const pad = (name: string, rows: number): void => {
      const element = this.querySelector<HTMLElement>(name);
      if (element) element.style.height = `${rows * ROW}px`;
    };
    pad('.pad-top', first);
    pad('.pad-bottom', this.shown.length - last);
  }

  private window(): [number, number] {
    const first = Math.max(0, Math.floor(this.top / ROW) - SPARE);
    return [first, Math.min(this.shown.length, Math.ceil((this.top + this.height) / ROW) + SPARE)];
  }

  private key(event: KeyboardEvent): void {
    const typing = (event.target as Element).closest?.('input, textarea, select, dialog[open]');
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps: Record<string, number> = { j: 1, k: -1 };
    const inList = (event.target as Element).closest?.('.rows');
    if (inList) Object.assign(steps, { ArrowDown: 1, ArrowUp: -1 });
    const by = steps[event.key];
    if (by !== undefined) this.go(neighbour(this.shown, desk.selected, by));
    else if (event.key === '/') document.getElementById('search')?.focus();
    else if (event.key === 'Enter' && inList) document.querySelector<HTMLElement>('.detail h2')?.focus();
    else if (event.key === 'a' && desk.selected) void act('ack');
    else if (event.key === 'r' && desk.selected) dispatchEvent(new CustomEvent('canh-form', { detail: 'resolve' }));
    else return;
    event.preventDefault();
  }

  private go(id: string | null): void {
    if (id === null) return;
    desk.select(id);
    const scroller = this.scroller;
    if (!scroller) return;
    const at = this.shown.indexOf(id) * ROW;
    if (at < scroller.scrollTop) scroller.scrollTop = at;
    else if (at + ROW > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = at + ROW - scroller.clientHeight;
    scroller.focus({ preventScroll: true });
  }

  protected override render() {
    const [first, last] = this.window();
    const rows = this.shown.slice(first, last);
    const gone = new Set(rows);
    for (const { id } of desk.visible()) gone.delete(id);
    return html`
      <div class="list-head">
        <b>${t('list.count', { n: this.shown.length })}${desk.more ? ` (${t('list.more', { n: MOST_ROWS })})` : ''}</b>
        <canh-data-at></canh-data-at>
      </div>
      ${this.waiting
        ? html`<button type="button" class="waiting" @click=${() => this.release(true)}>
            ${icon('plus', 14)}${t('list.waiting', { n: this.waiting })}</button>`
        : nothing}
      ${desk.listProblem && this.shown.length
        ? html`<p class="note bad" role="alert">${t('list.failed')}: ${problemText(desk.listProblem)}</p>`
        : nothing}
      <div class="rows" role="listbox" tabindex="0" aria-label=${t('list.title')} aria-busy=${desk.loading}
        aria-activedescendant=${desk.selected ? `row-${desk.selected}` : nothing}
        @scroll=${(event: Event) => this.scrolled(event.target as HTMLElement)}>
        <div class="pad-top" role="presentation"></div>
        ${repeat(rows, (id) => id, (id, index) => {
          const incident = desk.incidents.get(id);
          return incident
            ? incidentRow(incident, {
                selected: id === desk.selected, gone: gone.has(id), fresh: this.fresh.has(id),
                position: first + index + 1, count: this.shown.length,
              })
            : nothing;
        })}
        <div class="pad-bottom" role="presentation"></div>
        ${this.shown.length ? nothing : this.empty()}
      </div>
    `;
  }

  private scrolled(scroller: HTMLElement): void {
    this.top = scroller.scrollTop;
    if (!this.held && this.waiting) this.release(false);
  }

  private left(): void {
    this.pointerInside = false;
    if (!this.held) this.release(false);
  }

  private empty() {
    if (desk.listProblem) {
      return html`<div class="empty" role="alert">${icon('unplug', 26)}<b>${t('list.failed')}</b><span>${problemText(desk.listProblem)}</span></div>`;
    }
    if (desk.loading) return html`<div class="empty">${icon('loading', 26)}<span>${t('list.loading')}</span></div>`;
    const filtered = countActive(desk.filters) > 0;
    return html`<div class="empty">
      ${icon(filtered ? 'search' : 'check', 26)}
      <b>${t(filtered ? 'list.none_match' : 'list.none')}</b>
      ${filtered
        ? html`<button type="button" @click=${() => desk.filter(NO_FILTERS)}>${t('filter.clear')}</button>`
        : nothing}
    </div>`;
  }
}
