/** Pure: the filters of the list, in the page's address, in the server's query and as a test of one incident. */

import { fold } from './fold';
import { SEVERITIES, STATUSES, type Incident, type Severity, type Status } from './types';

export const SORTS = ['urgent', 'opened', 'severity', 'updated'] as const;
export type Sort = (typeof SORTS)[number];

export interface Filters {
  q: string;
  severity: Severity[];
  /** Empty means open: all but closed. */
  status: Status[];
  kind: string[];
  sort: Sort;
}

export const NO_FILTERS: Filters = { q: '', severity: [], status: [], kind: [], sort: 'urgent' };
export const OPEN_STATUSES: Status[] = STATUSES.filter((status) => status !== 'closed');

const list = (value: string | null): string[] => (value ? value.split(',').filter(Boolean) : []);

export function fromSearch(search: string): Filters {
  const params = new URLSearchParams(search);
  const sort = params.get('sort');
  return {
    q: params.get('q') ?? '',
    severity: SEVERITIES.filter((severity) => list(params.get('severity')).includes(String(severity))),
    status: STATUSES.filter((status) => list(params.get('status')).includes(status)),
    kind: list(params.get('kind')),
    sort: SORTS.find((one) => one === sort) ?? NO_FILTERS.sort,
  };
}

export function toSearch(filters: Filters, incident: string | null): string {
  const params = new URLSearchParams();
  if (filters.q) params.set('q', filters.q);
  if (filters.severity.length) params.set('severity', filters.severity.join(','));
  if (filters.status.length) params.set('status', filters.status.join(','));
  if (filters.kind.length) params.set('kind', filters.kind.join(','));
  if (filters.sort !== NO_FILTERS.sort) params.set('sort', filters.sort);
  if (incident) params.set('incident', incident);
  const text = params.toString();
  return text ? `?${text}` : '';
}

/** Give the query of GET /v1/incidents; severities that the server cannot tell apart are left to `matches`. */
export function toQuery(filters: Filters, limit: number, cursor: string | null): string {
  const params = new URLSearchParams();
  if (filters.q.trim()) params.set('q', filters.q.trim());
  if (filters.severity.length) params.set('severity_min', String(Math.min(...filters.severity)));
  const statuses = filters.status.length ? filters.status : OPEN_STATUSES;
  for (const status of statuses) params.append('status', status);
  for (const kind of filters.kind) params.append('kind', kind);
  params.set('limit', String(limit));
  if (cursor) params.set('cursor', cursor);
  return params.toString();
}

/** Tell whether an incident that the feed brought belongs into the list; `place` is its commune's name. */
export function matches(filters: Filters, incident: Incident, place: string): boolean {
  const statuses = filters.status.length ? filters.status : OPEN_STATUSES;
  if (!statuses.includes(incident.status)) return false;
  if (filters.severity.length && !filters.severity.includes(incident.severity as Severity)) return false;
  if (filters.kind.length && !filters.kind.includes(incident.kind)) return false;
  const words = fold(filters.q).split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const text = fold(`${incident.id} ${incident.title.vi} ${incident.title.en} ${place}`);
  return words.every((word) => text.includes(word));
}

const latest = (a: string, b: string): number => Date.parse(b) - Date.parse(a);

const waits = (incident: Incident): number => (incident.status === 'new' ? 1 : 0);

/** `urgent`: what nobody has acknowledged stands above the rest, the gravest first. */
export function compare(sort: Sort): (a: Incident, b: Incident) => number {
  return (a, b) => {
    const graver = sort === 'severity' || sort === 'urgent' ? b.severity - a.severity : 0;
    const first = (sort === 'urgent' ? waits(b) - waits(a) : 0) || graver;
    const when = sort === 'updated' ? latest(a.updated_at, b.updated_at) : latest(a.opened_at, b.opened_at);
    return first || when || (a.id < b.id ? -1 : 1);
  };
}

export function countActive(filters: Filters): number {
  return filters.severity.length + filters.status.length + filters.kind.length + (filters.q ? 1 : 0);
}
