/** The middle of the desk: the map with its controls, legend and country inset; a plain drawing without WebGL. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { phase } from '../core/feed-state';
import { desk } from '../core/desk';
import { t } from '../core/i18n';
import { reference } from '../core/reference';
import { timeOnly } from '../core/time';
import type { Topic } from '../core/topics';
import { icon } from '../ui/icons';
import { View } from '../ui/view';
import { locator, showsAll } from './locator';
import { legend } from './legend';
import type { MapView } from './map-view';
import './map-fallback';
import './map-panel.css';
import type { Box } from './project';

function canDraw(): boolean {
  try {
    return document.createElement('canvas').getContext('webgl2') !== null;
  } catch {
    return false;
  }
}

/** From this height of the window on the legend begins open, px. */
const ROOMY = 900;

@customElement('canh-map')
export class MapPanel extends View {
  protected override readonly topics: Topic[] = ['reference', 'theme', 'tick'];
  @state() private failed = !canDraw();
  @state() private shown: Box | null = null;
  /** Open where it covers little of the map. */
  @state() private legendOpen = innerHeight >= ROOMY;
  private view: MapView | null = null;

  protected override firstUpdated(): void {
    const container = this.querySelector<HTMLElement>('.map-canvas');
    if (container && !this.failed) void this.begin(container);
  }

  private async begin(container: HTMLElement): Promise<void> {
    try {
      const { MapView } = await import('./map-view');
      this.view = await MapView.make(container, (shown) => (this.shown = shown));
      if (!this.isConnected) this.view.destroy();
    } catch (error) {
      console.error(error);
      this.failed = true;
    }
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.view?.destroy();
    this.view = null;
  }

  protected override render() {
    const at = phase(desk.feed, Date.now());
    const old = at === 'stale' || at === 'disconnected';
    return html`
      <div class="map ${old ? 'old' : ''}">
        ${this.failed ? html`<canh-map-fallback></canh-map-fallback>` : html`<div class="map-canvas"></div>`}
        ${old && desk.feed.dataAt !== null
          ? html`<p class="map-old" role="alert">${icon('triangle', 15)}${t('map.old', { time: timeOnly(desk.feed.dataAt) })}</p>`
          : nothing}
        ${this.failed ? nothing : this.controls()}
        ${legend(this.legendOpen, () => (this.legendOpen = !this.legendOpen))}
        ${showsAll(this.shown) ? nothing : html`<div class="inset">${locator(this.shown)}</div>`}
        <p class="attribution">${t('map.base')}${reference.approximate ? html` · <b>${t('map.approximate')}</b>` : nothing}</p>
      </div>
    `;
  }

  private controls() {
    return html`<div class="map-controls" role="group" aria-label=${t('map.controls')}>
      <button type="button" title=${t('map.in')} aria-label=${t('map.in')} @click=${() => this.view?.zoom(1)}>${icon('plus', 17)}</button>
      <button type="button" title=${t('map.out')} aria-label=${t('map.out')} @click=${() => this.view?.zoom(-1)}>${icon('minus', 17)}</button>
      <button type="button" title=${t('map.home')} aria-label=${t('map.home')} @click=${() => this.view?.home()}>${icon('locate', 17)}</button>
      <button type="button" title=${t('map.country')} aria-label=${t('map.country')} @click=${() => this.view?.country()}>${icon('layers', 17)}</button>
    </div>`;
  }
}
