/** Pure: a series of the server as columns for the chart; a gap is a gap, never a line across it. */

import type { Evidence, Incident, Series } from './types';

export type Columns = [number[], (number | null)[], (number | null)[], (number | null)[]];

export interface Channel {
  device: string;
  metric: string;
}

/** Hours shown before the first and after the last evidence. */
const BEFORE_MS = 6 * 3_600_000;
const AFTER_MS = 2 * 3_600_000;

/** The device and metric pairs of the evidence, the strongest first. */
export function channels(evidence: Evidence[]): Channel[] {
  const found = new Map<string, Channel & { severity: number }>();
  for (const { signal } of evidence) {
    if (!signal.device || !signal.metric) continue;
    const key = `${signal.device}\n${signal.metric}`;
    const severity = Math.max(signal.severity, found.get(key)?.severity ?? 0);
    found.set(key, { device: signal.device, metric: signal.metric, severity });
  }
  return [...found.values()].sort((a, b) => b.severity - a.severity);
}

export function span(incident: Incident, evidence: Evidence[]): [number, number] {
  const starts = evidence.map(({ signal }) => Date.parse(signal.started_at));
  const from = Math.min(Date.parse(incident.opened_at), ...starts);
  const to = Math.max(Date.parse(incident.last_signal_at), Date.parse(incident.opened_at));
  return [from - BEFORE_MS, to + AFTER_MS];
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
