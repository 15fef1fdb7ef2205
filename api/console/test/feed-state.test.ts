import { describe, expect, it } from 'vitest';
import { ageS, INITIAL, phase, STALE_AFTER_MS, step, type FeedEvent, type FeedState } from '../src/core/feed-state';

const run = (...events: FeedEvent[]): FeedState => events.reduce(step, INITIAL);
const hello = (head: number, now = 0): FeedEvent => ({ type: 'hello', head, serverTime: '2026-01-01T00:00:00Z', now });
const beat = (now: number, id = 0, lagS: number | null = null): FeedEvent => ({ type: 'beat', id, serverTime: '2026-01-01T00:00:30Z', lagS, now });

describe('what may be said about the feed', () => {
  it('is connecting before any sign of life', () => {
    expect(phase(INITIAL, 0)).toBe('connecting');
    expect(ageS(INITIAL, 0)).toBeNull();
  });

  it('is live after a hello with nothing missed', () => {
    const state = run({ type: 'reloaded', feedId: 7 }, hello(7));
    expect(phase(state, 1000)).toBe('live');
    expect(ageS(state, 2999)).toBe(2);
  });

  it('catches up until the head of the hello is there, told by a change or a beat', () => {
    const behind = run({ type: 'reloaded', feedId: 7 }, hello(9));
    expect(phase(behind, 0)).toBe('catching_up');
    expect(phase(step(behind, { type: 'change', id: 8 }), 0)).toBe('catching_up');
    expect(phase(step(behind, { type: 'change', id: 9 }), 0)).toBe('live');
    expect(phase(step(behind, beat(0, 8)), 0)).toBe('catching_up');
    expect(phase(step(behind, beat(0, 9)), 0)).toBe('live');
  });

  it('is stale after more than 15 s without a beat, and live again with the next', () => {
    const state = run(hello(0));
    expect(phase(state, STALE_AFTER_MS)).toBe('live');
    expect(phase(state, STALE_AFTER_MS + 1)).toBe('stale');
    expect(phase(step(state, beat(20_000)), 20_001)).toBe('live');
  });

  it('is stale when the server beats but has itself seen nothing new for too long', () => {
    const state = step(run(hello(0)), beat(1000, 0, 20));
    expect(phase(state, 1000)).toBe('stale');
    expect(ageS(state, 3000)).toBe(22);
    expect(state.dataAt).toBe('2026-01-01T00:00:10.000Z');
  });

  it('is disconnected from the loss to the next hello; its age is that of the last word, not of the loss', () => {
    const lost = step(step(run(hello(0)), { type: 'lost' }), { type: 'lost' });
    expect(phase(lost, 9000)).toBe('disconnected');
    expect(ageS(lost, 34_000)).toBe(34);
    expect(phase(step(lost, hello(0, 9500)), 9600)).toBe('live');
  });

  it('stays in reset until the list is loaded anew, whatever else comes', () => {
    const reset = step(run(hello(3)), { type: 'reset' });
    expect(phase(step(reset, beat(1)), 1)).toBe('reset');
    const done = step(reset, { type: 'reloaded', feedId: 12 });
    expect(done.lastId).toBe(12);
    expect(phase(done, 1)).toBe('live');
  });

  it('never lets the last id fall', () => {
    expect(step(run({ type: 'change', id: 9 }), { type: 'change', id: 4 }).lastId).toBe(9);
  });
});
