/** One incident for the tests. */

import type { Incident } from '../src/core/types';

export function incident(changes: Partial<Incident> = {}): Incident {
  return {
    id: 'a', kind: 'flood.river', title: { vi: 'Sông Ba vượt báo động', en: 'Ba river above alarm' }, severity: 3, status: 'new',
    opened_at: '2026-01-01T00:00:00Z', updated_at: '2026-01-01T00:00:00Z', last_signal_at: '2026-01-01T00:00:00Z', version: 1,
    lon: 108.05, lat: 12.68, commune: '24133', zone: null, agency: null, assignee: null, cleared_at: null, signal_count: 1,
    source_count: 1, marks: [], ...changes,
  };
}
