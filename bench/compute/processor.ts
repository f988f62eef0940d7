/** @file Who takes the processors' time, as far as Linux tells; elsewhere nobody seems to. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Linux counts processor time in ticks, of which it shows 100 a second. */
const TICK = 0.01;

/** Seconds of processor time that a process has taken. */
export function secondsOf(pid: number | undefined): number {
  const [user, system] = fieldsOf(`/proc/${pid}/stat`, /^.*\) /s).slice(11);
  return ((user ?? 0) + (system ?? 0)) * TICK;
}

/** Seconds of processor time that all processes have taken together, or another machine on the same host. */
function secondsOfAll(): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, more = 0, stolen = 0] = fieldsOf('/proc/stat', /^cpu +/);
  return (user + nice + system + interrupts + more + stolen) * TICK;
}

function fieldsOf(file: string, before: RegExp): number[] {
  try {
    return readFileSync(file, 'utf8').replace(before, '').split(' ').map(Number);
  } catch {
    return [];
  }
}

/** Measures, over the stretches given to it, what share of the processors others than the given processes take. */
export class Disturbance {
  readonly #pids: readonly (number | undefined)[];
  #taken = 0;
  #elapsed = 0;

  constructor(pids: readonly (number | undefined)[]) {
    this.#pids = [process.pid, ...pids];
  }

  /** Waits for some work, and counts what others do meanwhile. */
  async during<T>(work: Promise<T>): Promise<T> {
    const [all, own, started] = [secondsOfAll(), this.#own(), performance.now()];
    try {
      return await work;
    } finally {
      this.#taken += secondsOfAll() - all - (this.#own() - own);
      this.#elapsed += (performance.now() - started) / 1000;
    }
  }

  /** From 0 to 1. */
  get share(): number {
    return Math.max(0, this.#taken / (this.#elapsed * availableParallelism()));
  }

  #own(): number {
    return this.#pids.reduce((sum: number, pid) => sum + secondsOf(pid), 0);
  }
}
