import { describe, expect, it } from 'vitest';
import { IncidentSet } from '../src/core/incident-set';
import { neighbour, pinned, reorder } from '../src/core/order';
import { newest } from '../src/core/readings';
import type { Device } from '../src/core/types';
import { incident } from './sample';

describe('incidents merged by version', () => {
  it('takes newer, ignores equal and older', () => {
    const set = new IncidentSet();
    expect(set.merge(incident({ version: 2 }))).toBe('added');
    expect(set.merge(incident({ version: 2, severity: 5 }))).toBe('ignored');
    expect(set.merge(incident({ version: 1, severity: 5 }))).toBe('ignored');
    expect(set.merge(incident({ version: 3, severity: 4 }))).toBe('updated');
    expect(set.get('a')?.severity).toBe(4);
  });

  it('drops what a fresh list no longer has, but never goes back in time', () => {
    const set = new IncidentSet();
    set.merge(incident({ id: 'a', version: 5 }));
    set.merge(incident({ id: 'gone' }));
    set.replace([incident({ id: 'a', version: 4 }), incident({ id: 'b' })]);
    expect(set.get('a')?.version).toBe(5);
    expect(set.get('gone')).toBeUndefined();
    expect(set.size).toBe(2);
  });

  it('applies what the feed said while the list was on its way', () => {
    const set = new IncidentSet();
    set.replace([incident({ id: 'a', version: 1 })], [incident({ id: 'a', version: 2 }), incident({ id: 'new' })]);
    expect(set.get('a')?.version).toBe(2);
    expect(set.get('new')).toBeDefined();
  });

  it('does not bring back what left the scope while the list was on its way, chosen or not', () => {
    const set = new IncidentSet();
    set.merge(incident({ id: 'chosen' }));
    set.replace([incident({ id: 'a' }), incident({ id: 'b' })], [{ id: 'a', gone: true }, { id: 'chosen', gone: true }], 'chosen');
    expect([...set.values()].map(({ id }) => id)).toEqual(['b']);
  });

  it('holds no more closed ones than its bound, the last changed and the chosen one first', () => {
    const set = new IncidentSet();
    const at = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
    set.merge(incident({ id: 'open', updated_at: at(0) }));
    for (let n = 1; n <= 30; n += 1) set.merge(incident({ id: `c${n}`, status: 'closed', updated_at: at(n) }));
    set.bound(10, 'c1');
    expect([...set.values()].map(({ id }) => id).sort()).toEqual(
      ['open', 'c1', 'c23', 'c24', 'c25', 'c26', 'c27', 'c28', 'c29', 'c30'].sort());
  });

  it('keeps the selected incident even when the list no longer has it', () => {
    const set = new IncidentSet();
    set.merge(incident({ id: 'chosen' }));
    set.replace([], [], 'chosen');
    expect(set.get('chosen')).toBeDefined();
  });
});

describe('the newest reading', () => {
  const latest = { device: 'd', metric: 'water_level', value: 5.22, threshold: 5.21, at: '2026-01-01T01:00:00Z' };
  const device = (at: string, last_values: Record<string, number>) => ({ id: 'd', last_observed_at: at, last_values }) as Device;

  it('is what the device has said since the evidence, and the evidence where it has said nothing newer', () => {
    const now = '2026-01-03T01:00:00Z';
    expect(newest(incident({ latest }), device(now, { water_level: 1.52 }))).toEqual({ ...latest, value: 1.52, at: now });
    expect(newest(incident({ latest }), device('2026-01-01T00:50:00Z', { water_level: 5 }))).toBe(latest);
    expect(newest(incident({ latest }), device(now, { rain: 3 }))).toBe(latest);
    expect(newest(incident({ latest }), undefined)).toBe(latest);
    expect(newest(incident(), undefined)).toBeNull();
  });
});

describe('order of the rows', () => {
  it('follows the sorting while nobody holds the list', () => {
    expect(reorder(['b'], ['a', 'b'], false)).toEqual({ shown: ['a', 'b'], waiting: 0 });
  });

  it('keeps every row in its place while held, and counts those that wait', () => {
    expect(reorder(['b', 'c'], ['a', 'c', 'd'], true)).toEqual({ shown: ['b', 'c'], waiting: 2 });
  });

  it('leaves the chosen row where it stood while the others are sorted anew', () => {
    expect(pinned(['a', 'b', 'c'], ['b', 'c', 'a'], 'a')).toEqual(['a', 'b', 'c']);
    expect(pinned(['a', 'b', 'c'], ['new', 'c', 'b', 'a'], 'b')).toEqual(['new', 'b', 'c', 'a']);
    expect(pinned(['a', 'b'], ['b', 'c', 'a'], 'b')).toEqual(['c', 'a', 'b']);
    expect(pinned(['a', 'b'], ['b'], 'a')).toEqual(['b']);
    expect(pinned([], ['b', 'a'], 'a')).toEqual(['b', 'a']);
    expect(pinned(['a', 'b'], ['b', 'a'], null)).toEqual(['b', 'a']);
  });

  it('steps inside the list and stops at its ends', () => {
    expect(neighbour(['a', 'b'], null, 1)).toBe('a');
    expect(neighbour(['a', 'b'], 'a', 1)).toBe('b');
    expect(neighbour(['a', 'b'], 'b', 1)).toBe('b');
    expect(neighbour(['a', 'b'], 'a', -1)).toBe('a');
    expect(neighbour([], 'a', 1)).toBeNull();
  });
});
