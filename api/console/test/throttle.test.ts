import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Throttle } from '../src/core/throttle';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('runs while it is asked without a pause, at most once in its time', async () => {
  const job = vi.fn();
  const throttle = new Throttle(job, 100);
  for (let asked = 0; asked < 100; asked += 1) {
    throttle.ask();
    await vi.advanceTimersByTimeAsync(10);
  }
  expect(job.mock.calls.length).toBeGreaterThanOrEqual(9);
  expect(job.mock.calls.length).toBeLessThanOrEqual(11);
});

it('runs once more for what was asked while a run was on its way, never two at a time', async () => {
  let finish: () => void = () => undefined;
  const job = vi.fn(() => new Promise<void>((done) => (finish = done)));
  const throttle = new Throttle(job, 100);
  throttle.ask();
  await vi.advanceTimersByTimeAsync(100);
  throttle.ask();
  throttle.ask();
  await vi.advanceTimersByTimeAsync(1000);
  expect(job).toHaveBeenCalledTimes(1);
  finish();
  await vi.advanceTimersByTimeAsync(100);
  expect(job).toHaveBeenCalledTimes(2);
});

it('forgets what was asked when it is stopped', async () => {
  const job = vi.fn();
  const throttle = new Throttle(job, 100);
  throttle.ask();
  throttle.stop();
  await vi.advanceTimersByTimeAsync(1000);
  expect(job).not.toHaveBeenCalled();
});
