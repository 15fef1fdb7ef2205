/** The whole page: the login screen, or the desk of list, map and detail. */

import { html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { t } from '../core/i18n';
import { session } from '../core/session';
import type { Topic } from '../core/topics';
import { View } from './view';
import './announcer';
import './app.css';
import './filter-bar';
import './help-dialog';
import './incident-detail';
import './incident-list';
import './login-screen';
import './overview';
import './top-bar';
import '../map/map-panel';

@customElement('canh-app')
export class App extends View {
  protected override readonly topics: Topic[] = ['session', 'selection'];

  override connectedCallback(): void {
    super.connectedCallback();
    void session.resume();
  }

  protected override render() {
    if (session.asking) return nothing;
    if (session.current === null) return html`<canh-login></canh-login>`;
    document.title = t('app.title');
    return html`
      <a class="skip" href="#incidents">${t('app.skip')}</a>
      <canh-top-bar></canh-top-bar>
      <main class="desk">
        <section class="pane list-pane" aria-label=${t('list.title')} id="incidents">
          <canh-filter-bar></canh-filter-bar>
          <canh-incident-list></canh-incident-list>
        </section>
        <section class="pane map-pane" aria-label=${t('map.title')}><canh-map></canh-map></section>
        <aside class="pane side-pane" aria-label=${t(desk.selected ? 'detail.title' : 'overview.title')}>
          ${desk.selected ? html`<canh-incident-detail></canh-incident-detail>` : html`<canh-overview></canh-overview>`}
        </aside>
      </main>
      <canh-announcer></canh-announcer>
      <canh-help></canh-help>
    `;
  }
}
