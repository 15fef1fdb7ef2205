/** The orders that are allowed now: one click where that is safe, a short form where words or choices are needed. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { t } from '../core/i18n';
import { reference } from '../core/reference';
import type { Topic } from '../core/topics';
import { acceptConflict, act, allowed, calm, order, ready, type Conflict } from './actions';
import { changeSentence } from './change-sentence';
import { icon, type IconName } from './icons';
import { problemText } from './problem-text';
import { View } from './view';
import './action-bar.css';

type Action = 'ack' | 'assign' | 'comment' | 'resolve' | 'close';
const BUTTONS: [Action, IconName][] = [
  ['ack', 'check'],
  ['assign', 'assign'],
  ['comment', 'comment'],
  ['resolve', 'done'],
  ['close', 'lock'],
];

@customElement('canh-action-bar')
export class ActionBar extends View {
  protected override readonly topics: Topic[] = ['detail', 'incidents', 'notice', 'reference'];
  @state() private form: Action | null = null;
  private of: string | null = null;

  private readonly ask = (event: Event): void => {
    const action = (event as CustomEvent<Action>).detail;
    if (ready(action)) void this.openForm(action);
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('canh-form', this.ask);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('canh-form', this.ask);
  }

  protected override willUpdate(): void {
    if (this.of === desk.selected) return;
    this.of = desk.selected;
    this.form = null;
  }

  private async openForm(action: Action): Promise<void> {
    this.form = this.form === action ? null : action;
    calm();
    await this.updateComplete;
    this.querySelector<HTMLElement>('form select, form textarea')?.focus();
  }

  private async submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const data = new FormData(event.target as HTMLFormElement);
    const word = (name: string): string | undefined => String(data.get(name) ?? '').trim() || undefined;
    const { form } = this;
    if (!form) return;
    const extra = form === 'assign' ? { agency: word('agency'), assignee: word('assignee') } : {};
    if (await act(form, { ...extra, text: word('text') })) this.form = null;
  }

  protected override render() {
    if (!desk.detail) return html`<div class="actions"></div>`;
    const possible = BUTTONS.filter(([action]) => allowed(action));
    const next = possible.find(([action]) => action !== 'comment')?.[0];
    return html`
      <div class="actions">
        ${possible.map(([action, picture]) => this.button(action, picture, action === next))}
        ${possible.length ? nothing : html`<span class="quiet">${t('action.none')}</span>`}
      </div>
      ${this.form && allowed(this.form) ? this.formFor(this.form) : nothing}
      ${order.of === desk.selected ? this.outcome() : nothing}
    `;
  }

  private button(action: Action, picture: IconName, first: boolean) {
    const oneClick = action === 'ack';
    return html`<button type="button" data-action=${action} class=${first ? 'primary' : ''}
      ?disabled=${order.busy !== null || !ready(action)} aria-expanded=${oneClick ? nothing : this.form === action}
      title=${ready(action) ? nothing : t('action.wait')}
      @click=${() => (oneClick ? void act('ack') : void this.openForm(action))}>
      ${icon(order.busy === action ? 'loading' : picture, 15)}${t(`action.${action}`)}
    </button>`;
  }

  private formFor(action: Action) {
    return html`<form class="order" @submit=${this.submit} @keydown=${(event: KeyboardEvent) => {
      if (event.key === 'Escape') this.form = null;
    }}>
      ${action === 'assign' ? this.agencies() : nothing}
      <label>${t(`action.${action}.text`)}
        <textarea name="text" rows="2" maxlength="2000" ?required=${action === 'comment'}></textarea>
      </label>
      <div class="order-buttons">
        <button class="primary" ?disabled=${order.busy !== null || !ready(action)}>${t(`action.${action}.do`)}</button>
        <button type="button" class="ghost" @click=${() => (this.form = null)}>${t('action.cancel')}</button>
      </div>
    </form>`;
  }

  private agencies() {
    const current = desk.detail?.incident.agency;
    return html`<label>${t('fact.agency')}
        <select name="agency" required>
          <option value="">${t('action.assign.choose')}</option>
          ${reference.agencies.map(({ id, name }) => html`<option value=${id} ?selected=${id === current}>${name}</option>`)}
        </select>
      </label>
      <label>${t('action.assign.assignee')}<input name="assignee" maxlength="200" autocomplete="off" /></label>`;
  }

  private outcome() {
    if (order.conflict) return this.conflict(order.conflict);
    if (!order.problem) return nothing;
    return html`<div class="note bad" role="alert">${icon('warning', 16)}<span>${problemText(order.problem)}</span>
      <button type="button" class="ghost" @click=${calm}>${t('action.understood')}</button></div>`;
  }

  private conflict(conflict: Conflict) {
    return html`<div class="note conflict" role="alert">
      <p><b>${t('conflict.title')}</b></p>
      <ul>${conflict.changes.map((change) => html`<li>${changeSentence(change)}</li>`)}</ul>
      <button type="button" class="primary" @click=${() => void acceptConflict()}>${icon('refresh', 15)}${t('conflict.reload')}</button>
    </div>`;
  }
}
