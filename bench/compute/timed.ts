/** @file Timing one call that may take a microsecond or ten seconds. `peers/peer.py` does the same in Python. */
import type { Replies } from './protocol.ts';

/** Milliseconds that one sample lasts at least: the clock and the loop are not to be seen in it. */
const SAMPLE_MS = 1;

/**
 * Calls until `seconds` are over, three times or more, unless that takes longer than `mostSeconds`. Calls that are
 * short are measured many at a time.
 */
export async function timed(call: () => unknown, seconds: number, mostSeconds: number): Promise<Replies['time']> {
  const started = performance.now();
  const spent = (): number => (performance.now() - started) / 1000;
  const samples: number[] = [];
  let calls = 0;
  let batch = 1;
  while (samples.length === 0 || spent() < (samples.length < 3 ? mostSeconds : seconds)) {
    const before = performance.now();
    for (let i = 0; i < batch; i++) {
      const result = call();
      if (result instanceof Promise) await result;
    }
    const ms = performance.now() - before;
    calls += batch;
    if (ms < SAMPLE_MS && batch < 2 ** 20) batch *= 2;
    else samples.push(ms / batch);
  }
  return { ms: median(samples), calls };
}

/** The middle one of some numbers, or the mean of the two in the middle. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] as number) + (sorted[Math.ceil(at)] as number)) / 2;
}
