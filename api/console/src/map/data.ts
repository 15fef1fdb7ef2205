/** Pure: incidents and devices as GeoJSON for the map. */

import type { Device, Incident, Source, Zones } from '../core/types';

type Points = GeoJSON.FeatureCollection<GeoJSON.Point>;

export function incidentPoints(incidents: Iterable<Incident>): Points {
  const features: Points['features'] = [];
  for (const { id, lon, lat, severity, status } of incidents) {
    if (lon === null || lat === null) continue;
    features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: [lon, lat] }, properties: { id, severity, status } });
  }
  return { type: 'FeatureCollection', features };
}

export type DeviceState = 'fresh' | 'late' | 'silent' | 'never';

/** Cadence of a device whose source has none, s. */
const CADENCE_S = 600;

/** How fresh a device is: late after 2 cadences, silent after 6; no data is never shown as fresh. */
export function deviceState(device: Device, cadenceS: number | null, now: number): DeviceState {
  if (device.last_observed_at === null) return 'never';
  const age = (now - Date.parse(device.last_observed_at)) / 1000;
  const cadence = Math.max(cadenceS ?? CADENCE_S, 15);
  if (age <= 2 * cadence) return 'fresh';
  return age <= 6 * cadence ? 'late' : 'silent';
}

export function devicePoints(devices: Device[], sources: Source[], now: number): Points {
  const cadences = new Map(sources.map(({ source }) => [source.id, source.cadence_s]));
  const features: Points['features'] = [];
  for (const device of devices) {
    const { id, lon, lat } = device;
    if (lon === null || lat === null) continue;
    const state = deviceState(device, cadences.get(device.source) ?? null, now);
    features.push({ type: 'Feature', geometry: { type: 'Point', coordinates: [lon, lat] }, properties: { id, state } });
  }
  return { type: 'FeatureCollection', features };
}

/** The middle of a ring by area (shoelace), where its name stands. */
function middle(ring: GeoJSON.Position[]): { at: [number, number]; area: number } {
  let area = 0;
  let x = 0;
  let y = 0;
  ring.forEach(([x0 = 0, y0 = 0], index) => {
    const [x1 = 0, y1 = 0] = ring[(index + 1) % ring.length] ?? [];
    const cross = x0 * y1 - x1 * y0;
    area += cross / 2;
    x += (x0 + x1) * cross;
    y += (y0 + y1) * cross;
  });
  return { at: area ? [x / (6 * area), y / (6 * area)] : [ring[0]?.[0] ?? 0, ring[0]?.[1] ?? 0], area: Math.abs(area) };
}

/** One point per commune for its name: a name in every tile would stand there many times. */
export function placePoints(zones: Zones): Points {
  const features = zones.features.map(({ geometry, properties }) => {
    const rings = geometry.type === 'Polygon' ? [geometry.coordinates[0] ?? []] : geometry.coordinates.map(([ring]) => ring ?? []);
    const best = rings.map(middle).sort((a, b) => b.area - a.area)[0];
    const point: GeoJSON.Point = { type: 'Point', coordinates: best?.at ?? [0, 0] };
    return { type: 'Feature' as const, geometry: point, properties: { name: properties.name } };
  });
  return { type: 'FeatureCollection', features };
}
