import { describe, expect, it } from 'vitest';
import { channels, columns, valueRange } from '../src/core/chart-data';
import type { Device, Evidence, Series } from '../src/core/types';
import { BASE } from '../src/map/base';
import { deviceState, incidentPoints, placePoints } from '../src/map/data';
import { boundsOf, project } from '../src/map/project';
import { incident } from './sample';

const series = (changes: Partial<Series>): Series => ({
  device: 'd', metric: 'water_level', unit: 'm', step_s: 60, points: [], gaps: [], thresholds: [], as_of: '', ...changes,
});

describe('the chart', () => {
  it('leaves a gap open with an empty point inside it', () => {
    const [at, mean] = columns(series({ points: [[1000, 1, 1, 1], [9000, 2, 2, 2]], gaps: [[1000, 9000]] }));
    expect(at).toEqual([1, 5, 9]);
    expect(mean).toEqual([1, null, 2]);
  });

  it('shows thresholds that are crossed or near, and not those far away', () => {
    const limits = [1.5, 9].map((value) => ({ value, label: { vi: '', en: '' }, severity: 2 }));
    const [low, high] = valueRange(series({ points: [[0, 1, 1, 1], [1, 2, 2, 2]], thresholds: limits }));
    expect(low).toBeLessThan(1);
    expect(high).toBeGreaterThan(2);
    expect(high).toBeLessThan(9);
  });

  it('offers each device and metric of the evidence once, the gravest first', () => {
    const of = (device: string | null, severity: number) => ({ signal: { device, metric: 'rain', severity } }) as Evidence;
    expect(channels([of('a', 1), of('b', 4), of('a', 2), of(null, 5)]).map(({ device }) => device)).toEqual(['b', 'a']);
  });
});

describe('the map', () => {
  it('names both archipelagos as parts of Viet Nam', () => {
    const names = BASE.features.map(({ properties }) => properties.name);
    expect(names).toContain('Quần đảo Hoàng Sa (Việt Nam)');
    expect(names).toContain('Quần đảo Trường Sa (Việt Nam)');
  });

  it('never calls a device fresh that has said nothing', () => {
    const device = (last: string | null) => ({ last_observed_at: last }) as Device;
    const now = Date.parse('2026-01-01T01:00:00Z');
    expect(deviceState(device(null), 60, now)).toBe('never');
    expect(deviceState(device('2026-01-01T00:59:00Z'), 60, now)).toBe('fresh');
    expect(deviceState(device('2026-01-01T00:57:00Z'), 60, now)).toBe('late');
    expect(deviceState(device('2026-01-01T00:10:00Z'), 60, now)).toBe('silent');
  });

  it('leaves out incidents without a place', () => {
    expect(incidentPoints([incident(), incident({ lon: null, lat: null })]).features).toHaveLength(1);
  });

  it('puts the name of a commune into the middle of its largest part', () => {
    const square = (x: number, size: number) => [[[x, 0], [x + size, 0], [x + size, size], [x, size], [x, 0]]];
    const zones = {
      type: 'FeatureCollection' as const,
      features: [{
        type: 'Feature' as const, geometry: { type: 'MultiPolygon' as const, coordinates: [square(0, 2), square(10, 4)] },
        properties: { id: 'commune:1', kind: 'commune', code: '1', name: 'Xã Một', approximate: true },
      }],
    };
    expect(placePoints(zones).features[0]?.geometry.coordinates).toEqual([12, 2]);
    expect(boundsOf(zones.features.map(({ geometry }) => geometry))).toEqual([0, 0, 14, 4]);
  });

  it('keeps north up on the plain drawing', () => {
    const view = project([100, 8, 110, 24], 100);
    expect(view.at(100, 24)).toEqual([0, 0]);
    expect(view.at(105, 10)[1]).toBeGreaterThan(view.at(105, 20)[1]);
  });
});
