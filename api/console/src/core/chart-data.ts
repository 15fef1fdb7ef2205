/** Pure: a series of the server as columns for the chart; a gap is a gap, never a line across it. */

import type { Evidence, Incident, Series } from './types';

export type Columns = [number[], (number | null)[], (number | null)[], (number | null)[]];

export interface Channel {
  device: string;
  metric: string;
  /** What people call the device, when the evidence tells it. */
  title: string | null;
}

/** Time shown before the first evidence and after the last; and how much silence of a sensor is shown, ms. */
const BEFORE_MS = 6 * 3_600_000;
const AFTER_MS = 2 * 3_600_000;
const SILENCE_MS = 24 * 3_600_000;

/** The device and metric pairs of the evidence, the strongest first. */
export function channels(evidence: Evidence[]): Channel[] {
  const found = new Map<string, Channel & { severity: number }>();
  for (const { signal, device_title } of evidence) {
    if (!signal.device || !signal.metric) continue;
    const key = `${signal.device}\n${signal.metric}`;
    const severity = Math.max(signal.severity, found.get(key)?.severity ?? 0);
    found.set(key, { device: signal.device, metric: signal.metric, title: device_title ?? null, severity });
  }
  return [...found.values()].sort((a, b) => b.severity - a.severity);
}

/**
 * The time that the chart shows, ms: as long as a rule holds the incident up to now, or a day beyond what the sensor has
 * last said at `heardAt` (ms): a year of silence would press the flood into one pixel. Never beyond now.
 */
export function span(incident: Incident, evidence: Evidence[], heardAt: number, now: number): [number, number] {
  const starts = evidence.map(({ signal }) => Date.parse(signal.started_at));
  const from = Math.min(Date.parse(incident.opened_at), ...starts);
  const last = Math.max(Date.parse(incident.last_signal_at), Date.parse(incident.opened_at));
  const to = incident.cleared_at === null ? Math.max(last, heardAt) + SILENCE_MS : last + AFTER_MS;
  return [from - BEFORE_MS, Math.min(now, to)];
}

export interface Extremes {
  /** Time (ms) and value of the newest point, and of the highest (a rule that warns of low values: the lowest). */
  newest: [number, number];
  peak: [number, number];
  low: boolean;
}

/** Give the newest and the furthest value since the incident began, null when nothing was measured since. */
export function extremes(series: Series, incident: Incident): Extremes | null {
  const since = Date.parse(incident.opened_at);
  const { gravest } = incident;
  const low = !!gravest && gravest.threshold !== null && gravest.value < gravest.threshold;
  let newest: Extremes['newest'] | null = null;
  let peak: Extremes['peak'] | null = null;
  for (const [at, mean, least, most] of series.points) {
    const far = low ? least : most;
    if (mean === null || far === null) continue;
    newest = [at, mean];
    // a rolled-up point stands for its whole step, the incident may have begun inside it
    if (at + series.step_s * 1000 >= since && (!peak || (low ? far < peak[1] : far > peak[1]))) peak = [at, far];
  }
  return newest && { newest, peak: peak ?? newest, low };
}

/** Give time (s), mean, min and max, with an empty point inside every gap. */
export function columns(series: Series): Columns {
  const rows = series.points.map(([t, mean, low, high]) => [t / 1000, mean, low, high] as const);
  const empty = series.gaps.map(([from, to]) => [(from + to) / 2000, null, null, null] as const);
  const all = [...rows, ...empty].sort((a, b) => a[0] - b[0]);
  return [all.map((r) => r[0]), all.map((r) => r[1]), all.map((r) => r[2]), all.map((r) => r[3])];
}

/** The value axis: the data, and every threshold that is crossed or near enough to matter. */
export function valueRange(series: Series): [number, number] {
  const values = series.points.flatMap(([, mean, low, high]) => [mean, low, high]).filter((v): v is number => v !== null);
  const limits = series.thresholds.map(({ value }) => value);
  if (!values.length) return limits.length ? [Math.min(...limits) - 1, Math.max(...limits) + 1] : [0, 1];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const reach = Math.max(high - low, Math.abs(high) * 0.02, 0.1);
  const near = limits.filter((value) => value > low - reach && value < high + reach);
  const bottom = Math.min(low, ...near);
  const top = Math.max(high, ...near);
  const room = (top - bottom || 1) * 0.08;
  return [bottom - room, top + room];
}
