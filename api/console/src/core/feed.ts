/** The live feed over server-sent events: hands events on, comes back by itself, never skips (G6). */

import type { FeedChange, FeedGone } from './types';

export interface FeedHandlers {
  onHello(head: number, serverTime: string): void;
  onChange(change: FeedChange | FeedGone): void;
  onBeat(id: number, serverTime: string, lagS: number | null): void;
  onReset(reason: string): void;
  onLost(): void;
  /** The browser will not try again by itself; the session may have ended. */
  onGaveUp(): void;
  /** The id to go on from when the browser has given up and we open anew. */
  since(): number;
}

/** Waits between tries when the browser has given up, ms. */
const RETRY_MS = [1000, 2000, 4000, 8000, 15_000];
/** An open line that says nothing for this long is dead for us (a stopped server, a lost route), ms. */
const SILENT_MS = 30_000;

interface Hello {
  feed_id: number;
  server_time: string;
}

interface Beat {
  feed_id: number;
  server_time: string;
  lag_s: number | null;
}

export class FeedClient {
  private source: EventSource | null = null;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setTimeout> | undefined;
  private tries = 0;

  constructor(private readonly handlers: FeedHandlers) {}

  start(): void {
    this.stop();
    const source = new EventSource(`/v1/incidents/stream?since=${this.handlers.since()}`);
    this.source = source;
    this.heard();
    this.listen<Hello>(source, 'hello', (data) => {
      this.tries = 0;
      this.handlers.onHello(data.feed_id, data.server_time);
    });
    this.listen<FeedChange | FeedGone>(source, 'change', (data) => this.handlers.onChange(data));
    this.listen<Beat>(source, 'beat', (data) => this.handlers.onBeat(data.feed_id, data.server_time, data.lag_s));
    this.listen<{ reason: string }>(source, 'reset', (data) => {
      // The line would resume from an id that the server no longer has: the owner loads the list and starts anew.
      this.stop();
      this.handlers.onReset(data.reason);
    });
    source.onerror = () => {
      if (this.source !== source) return;
      this.handlers.onLost();
      if (source.readyState !== EventSource.CLOSED) return;
      this.again();
      this.handlers.onGaveUp();
    };
  }

  stop(): void {
    clearTimeout(this.retry);
    clearTimeout(this.watch);
    this.source?.close();
    this.source = null;
  }

  private listen<T>(source: EventSource, event: string, handle: (data: T) => void): void {
    source.addEventListener(event, (message) => {
      if (this.source !== source) return;
      this.heard();
      handle(JSON.parse((message as MessageEvent<string>).data) as T);
    });
  }

  private heard(): void {
    clearTimeout(this.watch);
    this.watch = setTimeout(() => {
      this.handlers.onLost();
      this.again();
    }, SILENT_MS);
  }

  private again(): void {
    this.stop();
    const wait = RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)];
    this.tries += 1;
    this.retry = setTimeout(() => this.start(), wait);
  }
}
