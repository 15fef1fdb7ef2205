/** The records of the HTTP contract, as the page reads them. */

export interface Text {
  vi: string;
  en: string;
}

export const STATUSES = ['new', 'acknowledged', 'assigned', 'resolved', 'closed'] as const;
export type Status = (typeof STATUSES)[number];

export const SEVERITIES = [5, 4, 3, 2, 1] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Incident {
  id: string;
  kind: string;
  title: Text;
  severity: number;
  status: Status;
  opened_at: string;
  updated_at: string;
  last_signal_at: string;
  version: number;
  lon: number | null;
  lat: number | null;
  commune: string | null;
  zone: string | null;
  agency: string | null;
  assignee: string | null;
  cleared_at: string | null;
  signal_count: number;
  source_count: number;
  latest?: Reading | null;
  gravest?: Reading | null;
  marks: string[];
}

/** A measured value that a signal told of. */
export interface Reading {
  device: string;
  metric: string;
  value: number;
  threshold: number | null;
  at: string;
}

export interface Counts {
  as_of: string;
  open: number;
  unacknowledged: number;
  by_severity: Record<string, number>;
}

export type DetailValue = string | number | boolean | null;

export interface IncidentChange {
  incident: string;
  version: number;
  change: string;
  at: string;
  actor: string;
  severity: number;
  status: Status;
  detail: Record<string, DetailValue>;
}

export interface FeedChange {
  feed_id: number;
  recorded_at: string;
  change: IncidentChange;
  incident: Incident;
}

/** What a reader gets whose list no longer holds an incident (it left the reader's scope): its id and nothing else. */
export interface FeedGone {
  feed_id: number;
  recorded_at: string;
  change: null;
  incident: { id: string; gone: true };
}

export interface TimelineEntry {
  feed_id: number;
  recorded_at: string;
  change: IncidentChange;
}

export interface Signal {
  id: string;
  rule: string;
  rule_version: number;
  kind: string;
  action: 'raise' | 'update' | 'clear';
  key: string;
  severity: number;
  started_at: string;
  observed_at: string;
  title: Text;
  lon: number | null;
  lat: number | null;
  device: string | null;
  metric: string | null;
  value: number | null;
  threshold: number | null;
}

export interface SignalLink {
  signal: string;
  rule: string;
  rule_version: number;
  linked_at: string;
  distance_m: number | null;
  delay_s: number;
  reason: string;
}

export interface Evidence {
  link: SignalLink;
  signal: Signal;
  /** What people call the signal's device, when the server tells it. */
  device_title?: string | null;
}

export interface IncidentDetail {
  incident: Incident;
  timeline: TimelineEntry[];
  evidence: Evidence[];
  actions: string[];
  feed_id: number;
  as_of: string;
}

export interface IncidentPage {
  items: Incident[];
  next_cursor: string | null;
  feed_id: number;
  as_of: string;
}

export interface Session {
  name: string;
  display_name: string;
  role: string;
  agency: string | null;
  communes: string[] | null;
  csrf: string;
  language: string;
}

export interface Device {
  id: string;
  source: string;
  kind: string;
  title: string;
  lon: number | null;
  lat: number | null;
  commune: string | null;
  metrics: string[];
  last_observed_at: string | null;
  last_values: Record<string, number>;
}

export interface Series {
  device: string;
  metric: string;
  unit: string;
  step_s: number;
  points: [number, number | null, number | null, number | null][];
  gaps: [number, number][];
  thresholds: { value: number; label: Text; severity: number }[];
  as_of: string;
}

export interface Source {
  source: { id: string; kind: string; title: string; cadence_s: number | null };
  last_observed_at: string | null;
  last_received_at: string | null;
  accepted: number;
  refused: number;
  state: 'fresh' | 'late' | 'silent' | 'never';
}

export interface Agency {
  id: string;
  name: string;
}

export interface Kind extends Text {
  id: string;
  icon: string;
}

export interface Metric extends Text {
  id: string;
  unit: string;
}

export interface ZoneProperties {
  id: string;
  kind: string;
  code: string;
  name: string;
  approximate: boolean;
}

export type Zones = GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, ZoneProperties>;
