/** The two languages of the screen; Vietnamese is the default and the fallback. */

import en from '../locales/en.json';
import vi from '../locales/vi.json';
import type { Text } from './types';

export type Language = 'vi' | 'en';
export type Key = keyof typeof vi;

const CATALOGUES: Record<Language, Record<string, string>> = { vi, en };
let language: Language = 'vi';

export function currentLanguage(): Language {
  return language;
}

export function useLanguage(next: Language): void {
  language = next;
  document.documentElement.lang = next;
}

/** Give a phrase with its {names} filled in; {n|word|words} chooses by the number n. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const phrase = CATALOGUES[language][key] ?? vi[key] ?? key;
  return phrase
    .replace(/\{(\w+)\|([^|}]*)\|([^}]*)\}/g, (_whole, name: string, one: string, many: string) => (values[name] === 1 ? one : many))
    .replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The same for a key that is put together at run time; null when there is no such phrase. */
export function tMaybe(key: string, values: Record<string, string | number> = {}): string | null {
  return key in vi ? t(key as Key, values) : null;
}

export function say(text: Text): string {
  return text[language] || text.vi;
}

/** A number with the decimal mark of the language: 31,45 in Vietnamese. */
export function number(value: number, digits = 2): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
}
