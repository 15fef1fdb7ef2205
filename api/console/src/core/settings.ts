/** What a person chose on this machine: language and light or dark. Nothing secret is kept here. */

import { topics } from './topics';
import { useLanguage, type Language } from './i18n';

export type Theme = 'dark' | 'light' | 'auto';

const LANGUAGE = 'canh.language';
const THEME = 'canh.theme';
const light = matchMedia('(prefers-color-scheme: light)');

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage can be switched off; the defaults serve
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // the choice then holds until the page is loaded again
  }
}

let theme: Theme = 'dark';

export function chosenTheme(): Theme {
  return theme;
}

export function isLight(): boolean {
  return theme === 'light' || (theme === 'auto' && light.matches);
}

function applyTheme(): void {
  document.documentElement.dataset['theme'] = isLight() ? 'light' : 'dark';
  topics.emit('theme');
}

export function chooseTheme(next: Theme): void {
  theme = next;
  write(THEME, next);
  applyTheme();
}

export function chooseLanguage(next: Language): void {
  useLanguage(next);
  write(LANGUAGE, next);
  topics.emit('lang');
}

/** The account's language, unless this person chose one here. */
export function suggestLanguage(next: string): void {
  if (read(LANGUAGE) !== null || (next !== 'vi' && next !== 'en')) return;
  useLanguage(next);
  topics.emit('lang');
}

export function restore(): void {
  const stored = read(THEME);
  theme = stored === 'light' || stored === 'auto' ? stored : 'dark';
  useLanguage(read(LANGUAGE) === 'en' ? 'en' : 'vi');
  light.addEventListener('change', applyTheme);
  applyTheme();
}
