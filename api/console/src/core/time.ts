/** Pure: times as people of the center read them: Asia/Ho_Chi_Minh, dd/MM/yyyy, 24 hours. */

import type { Language } from './i18n';

const ZONE = 'Asia/Ho_Chi_Minh';

const PARTS = new Intl.DateTimeFormat('en-GB', {
  timeZone: ZONE,
  day: '2-digit',
  month: '2-digit',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

function parts(when: string | number): Record<string, string> {
  return Object.fromEntries(PARTS.formatToParts(new Date(when)).map((part) => [part.type, part.value]));
}

export function dateTime(when: string | number): string {
  const p = parts(when);
  return `${p.day}/${p.month}/${p.year} ${p.hour}:${p.minute}`;
}

export function dateOnly(when: string | number): string {
  const p = parts(when);
  return `${p.day}/${p.month}/${p.year}`;
}

export function timeOnly(when: string | number): string {
  const p = parts(when);
  return `${p.hour}:${p.minute}:${p.second}`;
}

export function hourMinute(when: string | number): string {
  const p = parts(when);
  return `${p.hour}:${p.minute}`;
}

/** The hour and minute, with the day where it is not today's, and the year where it is not this one. */
export function moment(when: string | number, now: number): string {
  if (dateOnly(when) === dateOnly(now)) return hourMinute(when);
  return `${hourMinute(when)} ${parts(when).year === parts(now).year ? dayMonth(when) : dateOnly(when)}`;
}

export function dayMonth(when: string | number): string {
  const p = parts(when);
  return `${p.day}/${p.month}`;
}

export function weekday(when: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { timeZone: ZONE, weekday: 'long' }).format(when);
}

const STEPS: [number, { vi: string; en: string }][] = [
  [86_400, { vi: 'ngày', en: 'd' }],
  [3600, { vi: 'giờ', en: 'h' }],
  [60, { vi: 'phút', en: 'min' }],
];

/** A length of time in its largest fitting unit: "3 phút", "2 giờ", "just seconds" as "12 giây". */
export function duration(seconds: number, language: Language): string {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [size, name] of STEPS) {
    if (whole >= size) return `${Math.floor(whole / size)} ${name[language]}`;
  }
  return `${whole} ${language === 'vi' ? 'giây' : 's'}`;
}

/** How long ago something was, in words of the list; the future (a wrong clock) counts as now. */
export function age(when: string, now: number, language: Language): string {
  return duration((now - Date.parse(when)) / 1000, language);
}
