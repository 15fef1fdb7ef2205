import { describe, expect, it } from 'vitest';
import { channels, columns, extremes, span, valueRange } from '../src/core/chart-data';
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

describe('the time that the chart shows', () => {
  const running = incident({ opened_at: '2026-01-01T06:00:00Z', last_signal_at: '2026-01-01T07:00:00Z' });
  const hour = (n: number): number => Date.parse('2026-01-01T00:00:00Z') + n * 3_600_000;

  it('runs to now while a rule holds the incident, however long ago its last signal was', () => {
    expect(span(running, [], hour(40), hour(40.1))).toEqual([hour(0), hour(40.1)]);
  });

  it('shows a day of silence, not a year', () => {
    expect(span(running, [], hour(30), hour(9000))).toEqual([hour(0), hour(54)]);
  });

  it('ends a while after an incident that is over, and never in the future', () => {
    const over = { ...running, cleared_at: '2026-01-01T07:00:00Z' };
    expect(span(over, [], hour(40), hour(40))[1]).toBe(hour(9));
    expect(span(over, [], 0, hour(8))[1]).toBe(hour(8));
  });

  it('tells the newest value and the highest since the incident began', () => {
    const points: Series['points'] = [[hour(2), 9, 9, 9], [hour(6.5), 4, 3.9, 4.2], [hour(8), 1.5, 1.5, 1.5], [hour(9), null, null, null]];
    expect(extremes(series({ points }), running)).toEqual({ newest: [hour(8), 1.5], peak: [hour(6.5), 4.2], low: false });
    expect(extremes(series({}), running)).toBeNull();
  });

  it('tells the lowest where a rule warns of low values', () => {
    const gravest = { device: 'd', metric: 'water_level', value: 1, threshold: 2, at: '' };
    const points: Series['points'] = [[hour(7), 1, 0.8, 1.1], [hour(8), 3, 3, 3]];
    expect(extremes(series({ points }), { ...running, gravest })).toEqual({ newest: [hour(8), 3], peak: [hour(7), 0.8], low: true });
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
