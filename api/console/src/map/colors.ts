/** Colours of the map, taken from the page's tokens so that light and dark follow the page. */

const NAMES = [
  'map-sea', 'map-land', 'map-country', 'map-country-line', 'map-commune', 'map-commune-line', 'map-label', 'map-label-halo',
  'map-sea-label', 'map-reef', 'accent', 's1', 's2', 's3', 's4', 's5', 'severity-ink', 'ink', 'ink-3', 'fresh', 'late', 'silent',
  'map-ring',
] as const;

export type Colors = Record<(typeof NAMES)[number], string>;

export function readColors(): Colors {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()])) as Colors;
}
