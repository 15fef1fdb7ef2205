/** The map itself; loaded apart so that the list stands before and without it. */

import { Map as MapLibre, Popup, setWorkerUrl, type GeoJSONSource, type MapGeoJSONFeature, type MapMouseEvent } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import { render } from 'lit';
import { desk } from '../core/desk';
import { currentLanguage } from '../core/i18n';
import { reference } from '../core/reference';
import { topics } from '../core/topics';
import { readColors } from './colors';
import { devicePoints, incidentPoints, placePoints } from './data';
import { deviceCard, incidentCard } from './map-cards';
import { boundsOf, type Box } from './project';
import { layersFor, styleFor } from './style';
import { pictures } from './symbols';

setWorkerUrl(workerUrl);

/** Where the map looks before anything is known, and how far it can go. */
const VIETNAM: Box = [102, 6.6, 116.5, 23.6];
const LIMITS: Box = [92, 1, 124, 27.5];
/** The map is redrawn for new data at most this often, ms. */
const DRAW_MS = 250;
const CLOSE_ZOOM = 9.6;
/** Half the size of a symbol with its ring, px. */
const EDGE = 24;
/** Room for the controls, the closed legend and the line at the bottom, px; an open legend takes its own width. */
const PADDING = { top: 24, bottom: 76, left: 24, right: 60 };
/** What lies over the map; a symbol under it is not seen. */
const COVERS = '.legend, .inset, .map-controls';
const LABEL_SAMPLE = 'Quần đảo Hoàng Sa, Trường Sa, Đắk Lắk, ẵỡừ 0123456789';

export class MapView {
  private readonly map: MapLibre;
  private readonly card = new Popup({ closeButton: false, closeOnClick: false, offset: 16, maxWidth: '280px', className: 'map-card' });
  private readonly off: (() => void)[] = [];
  private drawing = false;
  private fitted = false;

  static async make(container: HTMLElement, onMove: (shown: Box) => void): Promise<MapView> {
    // Labels are drawn once into an atlas: the font must be there before.
    await Promise.all([document.fonts.load('14px "Be Vietnam Pro"', LABEL_SAMPLE), document.fonts.load('600 12px "Be Vietnam Pro"', LABEL_SAMPLE)]);
    return new MapView(container, onMove);
  }

  private constructor(container: HTMLElement, onMove: (shown: Box) => void) {
    this.map = new MapLibre({
      container,
      style: styleFor(readColors(), currentLanguage()),
      bounds: VIETNAM,
      maxBounds: LIMITS,
      minZoom: 3.2,
      maxZoom: 18,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 100,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.on('load', () => this.begin());
    this.map.on('move', () => onMove(this.shown()));
  }

  private begin(): void {
    this.addPictures();
    this.drawCommunes();
    this.draw();
    this.drawSelected(false);
    this.off.push(
      topics.on(['incidents', 'filters', 'devices'], () => this.later()),
      topics.on(['reference'], () => { this.drawCommunes(); this.later(); }),
      topics.on(['selection'], () => { this.later(); this.drawSelected(true); }),
      topics.on(['theme', 'lang'], () => this.restyle()),
    );
    this.listen();
  }

  destroy(): void {
    this.off.forEach((off) => off());
    this.map.remove();
  }

  zoom(by: number): void {
    this.map.easeTo({ zoom: this.map.getZoom() + by, duration: 200 });
  }

  home(): void {
    const box = this.homeBox();
    this.map.fitBounds(box, { padding: this.padding(), duration: 500 });
  }

  country(): void {
    this.map.fitBounds(VIETNAM, { padding: { top: 16, bottom: 44, left: 16, right: 16 }, duration: 500 });
  }

  private homeBox(): Box {
    return boundsOf((reference.communes?.features ?? []).map(({ geometry }) => geometry)) ?? VIETNAM;
  }

  private covers(): DOMRect[] {
    return [...(this.map.getContainer().parentElement?.querySelectorAll(COVERS) ?? [])].map((one) => one.getBoundingClientRect());
  }

  private padding(): typeof PADDING {
    const legend = this.map.getContainer().parentElement?.querySelector('.legend:has(ul)');
    return { ...PADDING, left: PADDING.left + (legend?.getBoundingClientRect().width ?? 0) };
  }

  /** A place is seen when it is well inside the map and under nothing. */
  private sees(at: [number, number]): boolean {
    const box = this.map.getContainer().getBoundingClientRect();
    const point = this.map.project(at);
    const [x, y] = [box.x + point.x, box.y + point.y];
    const inside = (rect: DOMRect, room: number): boolean =>
      x > rect.left - room && x < rect.right + room && y > rect.top - room && y < rect.bottom + room;
    return inside(box, -EDGE) && !this.covers().some((cover) => inside(cover, EDGE));
  }

  private shown(): Box {
    const bounds = this.map.getBounds();
    return [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  }

  private addPictures(): void {
    for (const { id, data, pixelRatio } of pictures(readColors())) {
      if (this.map.hasImage(id)) this.map.updateImage(id, data);
      else this.map.addImage(id, data, { pixelRatio });
    }
  }

  private source(id: string): GeoJSONSource | undefined {
    return this.map.getSource<GeoJSONSource>(id);
  }

  private drawCommunes(): void {
    if (!reference.communes) return;
    this.source('communes')?.setData(reference.communes);
    this.source('places')?.setData(placePoints(reference.communes));
    if (this.fitted) return;
    this.fitted = true;
    this.map.fitBounds(this.homeBox(), { padding: this.padding(), duration: 0 });
  }

  private later(): void {
    if (this.drawing) return;
    this.drawing = true;
    setTimeout(() => { this.drawing = false; this.draw(); }, DRAW_MS);
  }

  private draw(): void {
    // The selected one stands apart, above all others, so that no cluster swallows it.
    this.source('incidents')?.setData(incidentPoints(desk.visible().filter(({ id }) => id !== desk.selected)));
    this.source('devices')?.setData(devicePoints(reference.devices, reference.sources ?? [], Date.now()));
    this.drawSelected(false);
  }

  private drawSelected(move: boolean): void {
    const incident = desk.selected ? desk.incidents.get(desk.selected) : undefined;
    const points = incidentPoints(incident ? [incident] : []);
    this.source('selected')?.setData(points);
    const at = points.features[0]?.geometry.coordinates as [number, number] | undefined;
    if (!move || !at) return;
    const near = this.map.getZoom() >= CLOSE_ZOOM - 1 && this.sees(at);
    if (!near) this.map.easeTo({ center: at, zoom: Math.max(this.map.getZoom(), CLOSE_ZOOM), duration: 600 });
  }

  private restyle(): void {
    this.addPictures();
    for (const layer of layersFor(readColors(), currentLanguage())) {
      for (const [name, value] of Object.entries(layer.paint ?? {})) this.map.setPaintProperty(layer.id, name as never, value as never);
      const field = (layer.layout as Record<string, unknown> | undefined)?.['text-field'];
      if (field) this.map.setLayoutProperty(layer.id, 'text-field', field as never);
    }
  }

  private listen(): void {
    this.map.on('click', 'clusters', (event) => void this.openCluster(event));
    for (const layer of ['incidents', 'selected']) this.map.on('click', layer, (event) => this.pick(event.features));
    for (const layer of ['clusters', 'incidents', 'selected', 'devices']) {
      this.map.on('mouseenter', layer, (event) => this.hover(layer, event.features));
      this.map.on('mouseleave', layer, () => { this.map.getCanvas().style.cursor = ''; this.card.remove(); });
    }
  }

  private pick(features?: MapGeoJSONFeature[]): void {
    const id: unknown = features?.[0]?.properties['id'];
    if (typeof id === 'string') desk.select(id);
  }

  private async openCluster(event: MapMouseEvent & { features?: MapGeoJSONFeature[] }): Promise<void> {
    const cluster = event.features?.[0];
    const source = this.source('incidents');
    if (!cluster || !source) return;
    const zoom = await source.getClusterExpansionZoom(Number(cluster.properties['cluster_id']));
    this.map.easeTo({ center: (cluster.geometry as GeoJSON.Point).coordinates as [number, number], zoom: zoom + 0.2 });
  }

  private hover(layer: string, features?: MapGeoJSONFeature[]): void {
    const feature = features?.[0];
    this.map.getCanvas().style.cursor = layer === 'devices' ? '' : 'pointer';
    const id = String(feature?.properties['id'] ?? '');
    const content = layer === 'devices' ? deviceCard(id) : incidentCard(id);
    if (!feature || !content) return;
    const field = document.createElement('div');
    render(content, field);
    this.card.setLngLat((feature.geometry as GeoJSON.Point).coordinates as [number, number]).setDOMContent(field).addTo(this.map);
  }
}
