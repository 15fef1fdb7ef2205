/** The bar on top: name, live badge, simulated label, clock, language, person. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { t, tMaybe } from '../core/i18n';
import { reference } from '../core/reference';
import { session } from '../core/session';
import type { Topic } from '../core/topics';
import { brand } from './brand';
import { icon } from './icons';
import { languageSwitch, themeSwitch } from './switches';
import { View } from './view';
import './clock';
import './live-badge';
import './top-bar.css';

@customElement('canh-top-bar')
export class TopBar extends View {
  protected override readonly topics: Topic[] = ['session', 'incidents', 'theme', 'reference'];
  @state() private open = false;

  private readonly away = (event: Event): void => {
    const escape = event instanceof KeyboardEvent && event.key === 'Escape';
    const outside = event.type === 'pointerdown' && !this.querySelector('.user')?.contains(event.target as Node);
    if (escape || outside) this.open = false;
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

  private get simulated(): boolean {
    return desk.visible().some((incident) => incident.marks.includes('simulated'));
  }

  protected override render() {
    return html`<header class="top-bar">
      <div class="top-brand">${brand(30)}<h1>Canh</h1><span>${t('app.tagline')}</span></div>
      <canh-live-badge></canh-live-badge>
      ${this.simulated
        ? html`<span class="simulated" title=${t('simulated.why')}>${icon('flask', 14)}${t('simulated')}</span>`
        : nothing}
      <span class="spring"></span>
      <canh-clock></canh-clock>
      ${languageSwitch()} ${themeSwitch()}
      <button type="button" class="ghost icon-only" title=${t('help.open')} aria-label=${t('help.open')}
        @click=${() => dispatchEvent(new CustomEvent('canh-help'))}>${icon('keyboard', 17)}</button>
      ${this.user()}
    </header>`;
  }

  private user() {
    const person = session.current;
    if (person === null) return nothing;
    const initials = person.display_name.trim().split(/\s+/).slice(-2).map((word) => word[0]).join('');
    return html`<div class="user">
      <button type="button" class="user-button" aria-haspopup="true" aria-expanded=${this.open}
        @click=${() => (this.open = !this.open)}>
        <span class="avatar" aria-hidden="true">${initials}</span>
        <span class="user-name">${person.display_name}<small>${this.roleName(person.role)}</small></span>
        ${icon('down', 14)}
      </button>
      ${this.open
        ? html`<div class="menu user-menu">
            <p><b>${person.display_name}</b><br />${person.name} · ${this.roleName(person.role)}</p>
            <p class="quiet">${t('user.scope')}: ${person.agency ? reference.agency(person.agency) : t('user.all')}</p>
            <button type="button" @click=${() => void session.logout()}>${icon('logout', 16)}${t('user.logout')}</button>
          </div>`
        : nothing}
    </div>`;
  }

  private roleName(role: string): string {
    return tMaybe(`role.${role}`) ?? role;
  }
}
