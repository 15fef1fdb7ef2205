import { describe, expect, it } from 'vitest';
import { age, dateTime, moment, timeOnly } from '../src/core/time';
import en from '../src/locales/en.json';
import vi from '../src/locales/vi.json';

const names = (phrase: string): string[] => [...phrase.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '').sort();

const SOURCES = import.meta.glob<string>('../src/**/*.ts', { query: '?raw', import: 'default', eager: true });

describe('the two catalogues', () => {
  it('have the same keys, none empty, with the same names to fill in', () => {
    expect(Object.keys(en).sort()).toEqual(Object.keys(vi).sort());
    for (const [key, phrase] of Object.entries(vi)) {
      expect(phrase.trim(), key).not.toBe('');
      expect(names(en[key as keyof typeof en]), key).toEqual(names(phrase));
    }
  });

  it('hold nothing that no source uses', () => {
    const text = Object.values(SOURCES).join('\n');
    const used = (key: string): boolean =>
      text.includes(`'${key}'`) || [...text.matchAll(/`([\w.]+\.)\$\{[^}]+\}(\.[\w.]+)?`/g)].some(
        ([, start = '', end = '']) => key.startsWith(start) && key.endsWith(end));
    expect(Object.keys(vi).filter((key) => !used(key))).toEqual([]);
  });
});

it('shows times of Viet Nam, day first, 24 hours', () => {
  expect(dateTime('2025-11-19T17:30:05Z')).toBe('20/11/2025 00:30');
  expect(timeOnly('2025-11-19T17:30:05Z')).toBe('00:30:05');
});

it('names the day of a moment that is not of today', () => {
  const now = Date.parse('2025-11-20T02:00:00Z');
  expect(moment('2025-11-19T17:30:05Z', now)).toBe('00:30');
  expect(moment('2025-11-19T16:30:05Z', now)).toBe('23:30 19/11');
  expect(moment('2024-11-19T17:30:05Z', now)).toBe('00:30 20/11/2024');
});

it('says ages in the largest unit, and never a negative one', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  expect(age('2026-01-01T23:59:18Z', now, 'vi')).toBe('42 giây');
  expect(age('2026-01-01T21:10:00Z', now, 'en')).toBe('2 h');
  expect(age('2026-01-03T00:00:00Z', now, 'vi')).toBe('0 giây');
});
