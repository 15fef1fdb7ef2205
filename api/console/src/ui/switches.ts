/** Small switches: language and light or dark. */

import { html, type TemplateResult } from 'lit';
import { currentLanguage, t, type Language } from '../core/i18n';
import { chooseLanguage, chooseTheme, chosenTheme, type Theme } from '../core/settings';
import { icon, type IconName } from './icons';

const LANGUAGES: [Language, string, string][] = [
  ['vi', 'VI', 'Tiếng Việt'],
  ['en', 'EN', 'English'],
];

export function languageSwitch(): TemplateResult {
  return html`<div class="segmented" role="group" aria-label=${t('language')}>
    ${LANGUAGES.map(
      ([id, short, name]) => html`<button
        type="button" lang=${id} title=${name} aria-label=${name} aria-pressed=${currentLanguage() === id}
        @click=${() => chooseLanguage(id)}>${short}</button>`,
    )}
  </div>`;
}

const THEMES: [Theme, IconName][] = [
  ['dark', 'moon'],
  ['light', 'sun'],
  ['auto', 'sun-moon'],
];

export function themeSwitch(): TemplateResult {
  return html`<div class="segmented" role="group" aria-label=${t('theme')}>
    ${THEMES.map(
      ([id, name]) => html`<button
        type="button" title=${t(`theme.${id}`)} aria-label=${t(`theme.${id}`)} aria-pressed=${chosenTheme() === id}
        @click=${() => chooseTheme(id)}>${icon(name, 15)}</button>`,
    )}
  </div>`;
}
