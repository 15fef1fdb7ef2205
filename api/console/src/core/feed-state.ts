/** Pure: what the page may honestly say about its live feed (G10), as a state machine without a clock. */

/** With no sign of life for longer than this the page says that it is stale (HTTP contract). */
export const STALE_AFTER_MS = 15_000;

export type Phase = 'connecting' | 'catching_up' | 'live' | 'stale' | 'disconnected' | 'reset';

export interface FeedState {
  link: 'connecting' | 'open' | 'lost';
  /** A reset was ordered and the list is not yet loaded anew. */
  resetting: boolean;
  /** The head when we came back; until `lastId` is there, or a beat says so, we are catching up. */
  catchUpTo: number | null;
  lastId: number;
  /** Client clock, ms, of the last hello or beat. */
  aliveAt: number | null;
  /** Server time of the last hello or beat, less its lag: the age of everything shown. */
  dataAt: string | null;
  lagS: number | null;
}

export type FeedEvent =
  | { type: 'hello'; head: number; serverTime: string; now: number }
  | { type: 'change'; id: number }
  | { type: 'beat'; id: number; serverTime: string; lagS: number | null; now: number }
  | { type: 'lost' }
  | { type: 'reset' }
  | { type: 'reloaded'; feedId: number };

export const INITIAL: FeedState = {
  link: 'connecting',
  resetting: false,
  catchUpTo: null,
  lastId: 0,
  aliveAt: null,
  dataAt: null,
  lagS: null,
};

export function step(state: FeedState, event: FeedEvent): FeedState {
  switch (event.type) {
    case 'hello':
      return {
        ...state,
        link: 'open',
        catchUpTo: event.head > state.lastId ? event.head : null,
        aliveAt: event.now,
        dataAt: event.serverTime,
      };
    case 'change': {
      const lastId = Math.max(state.lastId, event.id);
      const done = state.catchUpTo !== null && lastId >= state.catchUpTo;
      return { ...state, lastId, catchUpTo: done ? null : state.catchUpTo };
    }
    case 'beat': {
      // A beat carries the place where this stream stands: all before it was sent to us.
      const moved = step(state, { type: 'change', id: event.id });
      const dataAt = new Date(Date.parse(event.serverTime) - (event.lagS ?? 0) * 1000).toISOString();
      return { ...moved, link: 'open', aliveAt: event.now, dataAt, lagS: event.lagS };
    }
    case 'lost':
      return { ...state, link: 'lost', catchUpTo: null };
    case 'reset':
      return { ...state, resetting: true, catchUpTo: null };
    case 'reloaded':
      return { ...state, resetting: false, lastId: event.feedId };
  }
}

/** Say what to show. Nothing but a recent sign of life on an open link is live. */
export function phase(state: FeedState, now: number): Phase {
  if (state.resetting) return 'reset';
  if (state.link === 'lost') return 'disconnected';
  if (state.aliveAt === null) return 'connecting';
  if (silenceMs(state, now) > STALE_AFTER_MS) return 'stale';
  if (state.link === 'connecting') return 'connecting';
  return state.catchUpTo === null ? 'live' : 'catching_up';
}

/** Since when we know nothing: a server that beats but has itself lost its database tells so by its lag. */
function silenceMs(state: FeedState, now: number): number {
  return now - (state.aliveAt ?? now) + (state.lagS ?? 0) * 1000;
}

/** Age of what is shown in whole seconds, null before the first sign of life. */
export function ageS(state: FeedState, now: number): number | null {
  return state.aliveAt === null ? null : Math.max(0, Math.floor(silenceMs(state, now) / 1000));
}
