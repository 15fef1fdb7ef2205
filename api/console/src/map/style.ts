/** The map's style: own sources only; labels are drawn from the page's own font, so there are no glyph files. */

import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Language } from '../core/i18n';
import { BASE } from './base';
import type { Colors } from './colors';

const FONT = ['Be Vietnam Pro'];
const EMPTY = { type: 'FeatureCollection' as const, features: [] };
const kind = (name: string): ExpressionSpecification => ['==', ['get', 'kind'], name];

/** A cluster covers this many pixels and opens at this zoom at the latest. */
const CLUSTER_RADIUS = 46;
const CLUSTER_MAX_ZOOM = 13;

export function styleFor(colors: Colors, language: Language): StyleSpecification {
  return {
    version: 8,
    sources: {
      base: { type: 'geojson', data: BASE },
      communes: { type: 'geojson', data: EMPTY },
      places: { type: 'geojson', data: EMPTY },
      devices: { type: 'geojson', data: EMPTY },
      incidents: {
        type: 'geojson',
        data: EMPTY,
        cluster: true,
        clusterRadius: CLUSTER_RADIUS,
        clusterMaxZoom: CLUSTER_MAX_ZOOM,
        clusterProperties: { worst: ['max', ['get', 'severity']] },
      },
      selected: { type: 'geojson', data: EMPTY },
    },
    layers: layersFor(colors, language),
  };
}

export function layersFor(c: Colors, language: Language): LayerSpecification[] {
  return [...baseLayers(c, language), ...communeLayers(c), deviceLayer(c), ...incidentLayers(c)];
}

function baseLayers(c: Colors, language: Language): LayerSpecification[] {
  const name: ExpressionSpecification =
    language === 'en' ? ['coalesce', ['get', 'label_en'], ['get', 'label']] : ['get', 'label'];
  return [
    { id: 'sea', type: 'background', paint: { 'background-color': c['map-sea'] } },
    { id: 'land', type: 'fill', source: 'base', filter: kind('land'), paint: { 'fill-color': c['map-land'] } },
    {
      id: 'country', type: 'fill', source: 'base', filter: ['any', kind('country'), kind('island')],
      paint: { 'fill-color': c['map-country'] },
    },
    {
      id: 'country-line', type: 'line', source: 'base', filter: ['any', kind('country'), kind('island')],
      paint: { 'line-color': c['map-country-line'], 'line-width': ['interpolate', ['linear'], ['zoom'], 4, 0.8, 10, 1.6] },
    },
    {
      id: 'reefs', type: 'circle', source: 'base', filter: kind('reef'),
      paint: { 'circle-color': c['map-reef'], 'circle-radius': ['interpolate', ['linear'], ['zoom'], 4, 1.4, 9, 4] },
    },
    {
      id: 'sea-name', type: 'symbol', source: 'base', filter: kind('sea'),
      layout: { 'text-field': name, 'text-font': FONT, 'text-size': 14, 'text-letter-spacing': 0.25 },
      paint: { 'text-color': c['map-sea-label'] },
    },
    {
      id: 'archipelagos', type: 'symbol', source: 'base', filter: kind('archipelago'),
      layout: {
        'text-field': name, 'text-font': FONT, 'text-size': 12.5, 'text-max-width': 20, 'text-allow-overlap': true, 'text-ignore-placement': true,
      },
      paint: { 'text-color': c['map-label'], 'text-halo-color': c['map-sea'], 'text-halo-width': 1.4 },
    },
  ];
}

function communeLayers(c: Colors): LayerSpecification[] {
  return [
    { id: 'communes', type: 'fill', source: 'communes', paint: { 'fill-color': c['map-commune'] } },
    {
      id: 'communes-line', type: 'line', source: 'communes',
      paint: { 'line-color': c['map-commune-line'], 'line-width': ['interpolate', ['linear'], ['zoom'], 6, 0.5, 12, 1.4] },
    },
    {
      id: 'communes-name', type: 'symbol', source: 'places', minzoom: 6.6,
      layout: {
        'text-field': ['get', 'name'], 'text-font': FONT, 'text-max-width': 7, 'text-padding': 4,
        'text-size': ['interpolate', ['linear'], ['zoom'], 7, 10, 12, 14],
      },
      paint: { 'text-color': c['map-label'], 'text-halo-color': c['map-label-halo'], 'text-halo-width': 1.3, 'text-opacity': 0.85 },
    },
  ];
}

function deviceLayer(c: Colors): LayerSpecification {
  const solid: ExpressionSpecification = ['match', ['get', 'state'], 'fresh', c.fresh, 'late', c.late, 'rgba(0,0,0,0)'];
  const edge: ExpressionSpecification = ['match', ['get', 'state'], 'fresh', c['map-label-halo'], 'late', c['map-label-halo'], c.silent];
  return {
    id: 'devices', type: 'circle', source: 'devices',
    paint: {
      'circle-color': solid, 'circle-stroke-color': edge, 'circle-stroke-width': ['match', ['get', 'state'], ['fresh', 'late'], 1, 1.6],
      'circle-radius': ['interpolate', ['linear'], ['zoom'], 6, 2, 9, 3.2, 13, 5.5],
    },
  };
}

function incidentLayers(c: Colors): LayerSpecification[] {
  return [
    {
      id: 'incidents', type: 'symbol', source: 'incidents', filter: ['!', ['has', 'point_count']],
      layout: {
        'icon-image': ['concat', 'severity-', ['get', 'severity']], 'icon-allow-overlap': true,
        'symbol-sort-key': ['get', 'severity'], 'icon-size': ['case', ['==', ['get', 'status'], 'new'], 1, 0.84],
      },
      paint: { 'icon-opacity': ['match', ['get', 'status'], ['resolved', 'closed'], 0.5, 1] },
    },
    {
      id: 'clusters', type: 'symbol', source: 'incidents', filter: ['has', 'point_count'],
      layout: {
        'icon-image': ['concat', 'cluster-', ['get', 'worst']], 'icon-allow-overlap': true,
        'icon-size': ['interpolate', ['linear'], ['get', 'point_count'], 2, 0.9, 100, 1.35],
        'text-field': ['get', 'point_count_abbreviated'], 'text-font': FONT, 'text-size': 13,
        'text-allow-overlap': true, 'text-ignore-placement': true, 'symbol-sort-key': ['get', 'worst'],
      },
      paint: { 'text-color': c['severity-ink'] },
    },
    {
      id: 'selected-ring', type: 'circle', source: 'selected',
      paint: {
        'circle-radius': 21, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': c['map-ring'], 'circle-stroke-width': 2.5,
      },
    },
    {
      id: 'selected', type: 'symbol', source: 'selected',
      layout: {
        'icon-image': ['concat', 'severity-', ['get', 'severity']], 'icon-size': 1.15,
        'icon-allow-overlap': true, 'icon-ignore-placement': true,
      },
    },
  ];
}
