/** Pure: the incidents that the page knows, merged by version so that late and doubled news never go back in time. */

import type { FeedGone, Incident } from './types';

export type Merge = 'added' | 'updated' | 'ignored';
/** What the feed says of an incident: how it stands now, or that it is no longer for this reader. */
export type News = Incident | FeedGone['incident'];

/** So much more than the bound may be held, so that not every change sorts them all. */
const SLACK = 1.1;

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

  /** Take what the feed says of one incident; true when that changed anything. */
  hear(news: News): boolean {
    return 'gone' in news ? this.known.delete(news.id) : this.merge(news) !== 'ignored';
  }

  /** Forget the closed ones that were changed longest ago when more than `most` are known: a wall screen runs for weeks. */
  bound(most: number, keep: string | null): void {
    if (this.known.size <= most * SLACK) return;
    const closed = [...this.known.values()].filter(({ id, status }) => status === 'closed' && id !== keep);
    closed.sort((a, b) => Date.parse(a.updated_at) - Date.parse(b.updated_at));
    for (const { id } of closed.slice(0, this.known.size - most)) this.known.delete(id);
  }

  /**
   * Replace everything by a fresh list, then apply what the feed said while the list was on its way.
   * An incident that is held newer than in the list stays newer.
   */
  replace(items: Iterable<Incident>, meanwhile: Iterable<News> = [], keep: string | null = null): void {
    const before = new Map(this.known);
    this.known.clear();
    for (const item of items) {
      const held = before.get(item.id);
      this.known.set(item.id, held !== undefined && held.version > item.version ? held : item);
    }
    const kept = keep === null ? undefined : before.get(keep);
    if (kept !== undefined && !this.known.has(kept.id)) this.known.set(kept.id, kept);
    for (const news of meanwhile) this.hear(news);
  }
}
