import { describe, expect, it } from 'vitest';
import { compare, fromSearch, matches, NO_FILTERS, toQuery, toSearch, type Filters } from '../src/core/filters';
import { fold } from '../src/core/fold';
import { incident } from './sample';

const filters = (changes: Partial<Filters>): Filters => ({ ...NO_FILTERS, ...changes });

describe('filters in the address', () => {
  it('come back as they went', () => {
    const some = filters({ q: 'sông ba', severity: [5, 4], status: ['new'], kind: ['flood.river', 'fire'], sort: 'severity' });
    expect(fromSearch(toSearch(some, 'id-1'))).toEqual(some);
    expect(toSearch(NO_FILTERS, null)).toBe('');
  });

  it('ignore what is not known', () => {
    expect(fromSearch('?severity=9,4&status=burning&sort=odd')).toEqual(filters({ severity: [4] }));
  });
});

describe('the query of the server', () => {
  it('asks for all open states by default and repeats parameters', () => {
    const query = new URLSearchParams(toQuery(NO_FILTERS, 500, null));
    expect(query.getAll('status')).toEqual(['new', 'acknowledged', 'assigned', 'resolved']);
    expect(query.get('cursor')).toBeNull();
  });

  it('gives the least of the chosen severities', () => {
    expect(new URLSearchParams(toQuery(filters({ severity: [5, 3] }), 10, 'x')).get('severity_min')).toBe('3');
  });
});

describe('one incident against the filters', () => {
  it('is found without accents, in title and place, word by word', () => {
    expect(fold('Đắk Lắk, Buôn Hồ')).toBe('dak lak, buon ho');
    expect(matches(filters({ q: 'ba song' }), incident(), '')).toBe(true);
    expect(matches(filters({ q: 'TUY hoa' }), incident(), 'Phường Tuy Hoà')).toBe(true);
    expect(matches(filters({ q: 'hue' }), incident(), 'Phường Tuy Hoà')).toBe(false);
  });

  it('must fit every kind of filter; closed ones are hidden unless asked for', () => {
    expect(matches(NO_FILTERS, incident({ status: 'closed' }), '')).toBe(false);
    expect(matches(filters({ status: ['closed'] }), incident({ status: 'closed' }), '')).toBe(true);
    expect(matches(filters({ severity: [5] }), incident({ severity: 4 }), '')).toBe(false);
    expect(matches(filters({ kind: ['fire'] }), incident(), '')).toBe(false);
  });
});

it('sorts by what waits for a person, by newest, by severity, by last change', () => {
  const a = incident({ id: 'a', severity: 2, opened_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-03T00:00:00Z' });
  const b = incident({ id: 'b', severity: 4, opened_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z' });
  const d = incident({ id: 'd', severity: 5, status: 'acknowledged', opened_at: '2025-12-31T00:00:00Z', updated_at: '2025-12-31T00:00:00Z' });
  const c = incident({ id: 'c', severity: 2, opened_at: '2026-01-02T00:00:00Z', updated_at: '2026-01-02T00:00:00Z' });
  const order = (sort: Filters['sort']): string => [a, b, c, d].sort(compare(sort)).map(({ id }) => id).join('');
  expect(order('urgent')).toBe('bcad');
  expect(order('opened')).toBe('cabd');
  expect(order('severity')).toBe('dbca');
  expect(order('updated')).toBe('acbd');
});
