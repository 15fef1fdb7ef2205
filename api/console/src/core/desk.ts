/** The state of the operator's desk: incidents, filters, selection and the feed that keeps them current. */

import * as api from './api';
import { FeedClient } from './feed';
import { INITIAL, step, type FeedEvent, type FeedState } from './feed-state';
import { compare, fromSearch, matches, toQuery, toSearch, type Filters } from './filters';
import { IncidentSet, type News } from './incident-set';
import { Problem } from './problem';
import { reference } from './reference';
import { Throttle } from './throttle';
import { topics } from './topics';
import type { Counts, FeedChange, FeedGone, Incident, IncidentDetail } from './types';

const PAGE = 500;
/** The list holds at most this many rows; more are told as "more". */
export const MOST_ROWS = 2000;
/** Changes that come close together are drawn together, ms. */
const DRAW_MS = 100;
/** The chosen incident is read again at most this often while changes of it stream in, ms. */
const DETAIL_MS = 200;
const RETRY_MS = 3000;
/** The numbers of the overview are asked again at most this often, ms, while incidents change. */
const COUNTS_MS = 2000;

class Desk {
  filters: Filters = fromSearch(location.search);
  selected: string | null = new URLSearchParams(location.search).get('incident');
  detail: IncidentDetail | null = null;
  detailProblem: Problem | null = null;
  listProblem: Problem | null = null;
  /** How many are open in all, whatever the filters let through; null when that is not known. */
  counts: Counts | null = null;
  loading = true;
  more = false;
  /** Bumped by every filter change: the list then starts at the top. */
  generation = 0;
  feed: FeedState = INITIAL;
  readonly incidents = new IncidentSet();
  onExpired: () => void = () => undefined;

  private sorted: Incident[] | null = null;
  private meanwhile: News[] | null = null;
  private listed = new Set<string>();
  private drawing = false;
  private loadNumber = 0;
  private readonly freshen = new Throttle(() => this.loadDetail(), DETAIL_MS);
  private readonly recount = new Throttle(() => this.loadCounts(), COUNTS_MS);
  private running = false;
  /** The feed only adds to a list: it begins when the first list is there, or a part would look like the whole. */
  private following = false;

  private readonly client = new FeedClient({
    onHello: (head, serverTime) => this.step({ type: 'hello', head, serverTime, now: Date.now() }),
    onBeat: (id, serverTime, lagS) => this.step({ type: 'beat', id, serverTime, lagS, now: Date.now() }),
    onChange: (change) => this.take(change),
    onReset: () => void this.reset(),
    onLost: () => this.step({ type: 'lost' }),
    onGaveUp: () => void this.checkSession(),
    since: () => this.feed.lastId,
  });

  async start(): Promise<void> {
    this.running = true;
    this.feed = INITIAL;
    void reference.load();
    void this.loadCounts();
    if (this.selected) void this.loadDetail();
    await this.load();
  }

  stop(): void {
    this.running = this.following = false;
    this.client.stop();
    this.freshen.stop();
    this.recount.stop();
    reference.stop();
    this.incidents.replace([]);
    this.sorted = null;
    this.selected = null;
    this.detail = null;
    this.counts = null;
  }

  /** The incidents that the filters let through, in the chosen order. */
  visible(): Incident[] {
    this.sorted ??= [...this.incidents.values()]
      .filter((incident) => this.belongs(incident))
      .sort(compare(this.filters.sort));
    return this.sorted;
  }

  /** The server's search may know more than the page (notes, other names): what it listed stays found. */
  private belongs(incident: Incident): boolean {
    const filters = this.listed.has(incident.id) ? { ...this.filters, q: '' } : this.filters;
    return matches(filters, incident, reference.place(incident.commune));
  }

  filter(change: Partial<Filters>): void {
    this.filters = { ...this.filters, ...change };
    this.generation += 1;
    this.listed = new Set();
    this.sorted = null;
    this.writeAddress();
    topics.emit('filters');
    topics.emit('incidents');
    void this.load(true);
  }

  select(id: string | null): void {
    if (id === this.selected) return;
    this.selected = id;
    this.detail = null;
    this.detailProblem = null;
    this.writeAddress();
    topics.emit('selection');
    topics.emit('detail');
    if (id) void this.loadDetail();
  }

  /** The details on the screen are older than what the feed has told of this incident: somebody changed it meanwhile. */
  get outdated(): boolean {
    const shown = this.detail?.incident;
    const known = shown && this.incidents.get(shown.id);
    return shown !== undefined && known !== undefined && known.version > shown.version;
  }

  /** Take a state that the server gave us outside the feed (an order's answer, a conflict). */
  absorb(incident: Incident): void {
    if (this.incidents.merge(incident) === 'ignored') return;
    this.touched(incident.id);
  }

  async loadDetail(): Promise<void> {
    const id = this.selected;
    if (!id) return;
    try {
      const detail = await api.incident(id);
      if (this.selected !== id) return;
      // Two answers may overtake each other: what is on the screen never goes back.
      if (detail.incident.version >= (this.detail?.incident.version ?? 0)) this.detail = detail;
      this.detailProblem = null;
      this.incidents.merge(detail.incident);
      this.redraw();
    } catch (error) {
      if (this.selected !== id) return;
      this.detailFailed(id, asProblem(error));
    }
    topics.emit('detail');
  }

  private detailFailed(id: string, problem: Problem): void {
    this.detailProblem = problem;
    if (this.expired(problem)) return;
    if (problem.status === 404) this.detail = null;
    else setTimeout(() => { if (this.running && this.selected === id) this.freshen.ask(); }, RETRY_MS);
  }

  /** Read the list again; `anew`: a person asked for another list, so no row of the old one keeps its place. */
  async load(anew = false): Promise<void> {
    const mine = ++this.loadNumber;
    this.loading = true;
    this.meanwhile = [];
    try {
      const { items, feedId, asOf, more } = await readList(this.filters);
      if (mine !== this.loadNumber) return;
      this.incidents.replace(items, this.meanwhile, this.selected);
      this.listed = new Set(items.map(({ id }) => id));
      if (anew) this.generation += 1;
      this.more = more;
      this.listProblem = null;
      const first = this.feed.dataAt === null || this.feed.resetting;
      this.step({ type: 'reloaded', feedId: first ? feedId : Math.max(this.feed.lastId, feedId) });
      if (first) this.feed = { ...this.feed, dataAt: asOf };
      this.follow();
      this.recount.ask();
    } catch (error) {
      if (mine !== this.loadNumber) return;
      this.listProblem = asProblem(error);
      if (!this.expired(this.listProblem) && this.running) setTimeout(() => void this.loadAgain(mine), RETRY_MS);
    }
    this.loading = this.listProblem !== null;
    this.meanwhile = this.loading ? this.meanwhile : null;
    this.redraw();
  }

  private async loadAgain(number: number): Promise<void> {
    if (number === this.loadNumber && this.running) await this.load();
  }

  private async loadCounts(): Promise<void> {
    try {
      this.counts = await api.counts();
    } catch {
      this.counts = null;
      setTimeout(() => { if (this.running) this.recount.ask(); }, RETRY_MS);
    }
    topics.emit('counts');
  }

  private follow(): void {
    if (!this.running || this.following) return;
    this.following = true;
    this.client.start();
  }

  private take(change: FeedChange | FeedGone): void {
    this.step({ type: 'change', id: change.feed_id });
    this.meanwhile?.push(change.incident);
    this.recount.ask();
    if (this.incidents.hear(change.incident)) this.touched(change.incident.id);
  }

  private touched(id: string): void {
    this.redraw();
    if (id === this.selected) this.freshen.ask();
  }

  private async reset(): Promise<void> {
    this.step({ type: 'reset' });
    await this.load();
    while (this.feed.resetting && this.running) await new Promise((done) => setTimeout(done, 200));
    if (this.running) this.client.start();
  }

  private async checkSession(): Promise<void> {
    try {
      await api.me();
    } catch (error) {
      this.expired(asProblem(error));
    }
  }

  private expired(problem: Problem): boolean {
    if (problem.status !== 401) return false;
    this.onExpired();
    return true;
  }

  private step(event: FeedEvent): void {
    this.feed = step(this.feed, event);
    topics.emit('feed');
  }

  private redraw(): void {
    this.sorted = null;
    if (this.drawing) return;
    this.drawing = true;
    setTimeout(() => {
      this.drawing = false;
      this.incidents.bound(MOST_ROWS, this.selected);
      topics.emit('incidents');
    }, DRAW_MS);
  }

  private writeAddress(): void {
    history.replaceState(null, '', location.pathname + toSearch(this.filters, this.selected));
  }
}

async function readList(filters: Filters): Promise<{ items: Incident[]; feedId: number; asOf: string; more: boolean }> {
  const first = await api.incidents(toQuery(filters, PAGE, null));
  const items = [...first.items];
  let cursor = first.next_cursor;
  while (cursor && items.length < MOST_ROWS) {
    const next = await api.incidents(toQuery(filters, PAGE, cursor));
    items.push(...next.items);
    cursor = next.next_cursor;
  }
  // The first page's feed id: what changed while we paged comes again from the feed and merges by version.
  return { items, feedId: first.feed_id, asOf: first.as_of, more: cursor !== null };
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, { detail: String(error) });
}

export const desk = new Desk();
