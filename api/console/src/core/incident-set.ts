/** Pure: the incidents that the page knows, merged by version so that late and doubled news never go back in time. */

import type { Incident } from './types';

export type Merge = 'added' | 'updated' | 'ignored';

export class IncidentSet {
  private readonly known = new Map<string, Incident>();

  get size(): number {
    return this.known.size;
  }

  get(id: string): Incident | undefined {
    return this.known.get(id);
  }

  values(): Iterable<Incident> {
    return this.known.values();
  }

  /** Take one incident; an older or equal version changes nothing. */
  merge(incident: Incident): Merge {
    const held = this.known.get(incident.id);
    if (held !== undefined && held.version >= incident.version) return 'ignored';
    this.known.set(incident.id, incident);
    return held === undefined ? 'added' : 'updated';
  }

  remove(id: string): boolean {
    return this.known.delete(id);
  }

  /**
   * Replace everything by a fresh list, then apply what the feed said while the list was on its way.
   * An incident that is held newer than in the list stays newer.
   */
  replace(items: Iterable<Incident>, meanwhile: Iterable<Incident> = [], keep: string | null = null): void {
    const before = new Map(this.known);
    this.known.clear();
    for (const item of items) {
      const held = before.get(item.id);
      this.known.set(item.id, held !== undefined && held.version > item.version ? held : item);
    }
    for (const incident of meanwhile) this.merge(incident);
    const kept = keep === null ? undefined : before.get(keep);
    if (kept !== undefined && !this.known.has(kept.id)) this.known.set(kept.id, kept);
  }
}
