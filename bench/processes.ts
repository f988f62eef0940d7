/** @file What processes take of the machine, as far as Linux tells; elsewhere they seem to take nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Linux counts processor time in ticks, of which it shows 100 a second. */
const TICK = 0.01;

/** Seconds of processor time that a process has taken. */
export function secondsOf(pid: number | undefined): number {
  const [user, system] = fieldsOf(`/proc/${pid}/stat`, /^.*\) /s).slice(11);
  return ((user ?? 0) + (system ?? 0)) * TICK;
}

/** A process and all that descend from it, parents first. */
export function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const each of numbersIn('/proc')) {
    // The second number after the name, which may have anything in it.
    const parent = fieldsOf(`/proc/${each}/stat`, /^.*\) /s)[1];
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), each]);
  }
  const tree = [pid];
  for (const each of tree) tree.push(...(children.get(each) ?? []));
  return tree;
}

/** Bytes of memory: resident now (`VmRSS`) or at the most (`VmHWM`). */
export function residentBytes(pid: number | 'self', field: 'VmRSS' | 'VmHWM'): number | undefined {
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(textOf(`/proc/${pid}/status`)) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

/** How many files, sockets and the like a process has open. */
export function openFiles(pid: number): number {
  return numbersIn(`/proc/${pid}/fd`).length;
}

/** Seconds of processor time that all processes have taken together, or another machine on the same host. */
function secondsOfAll(): number {
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, more = 0, stolen = 0] = fieldsOf('/proc/stat', /^cpu +/);
  return (user + nice + system + interrupts + more + stolen) * TICK;
}

function fieldsOf(file: string, before: RegExp): number[] {
  const text = textOf(file);
  return text === '' ? [] : text.replace(before, '').split(' ').map(Number);
}

/** Nothing where there is no such file, or no such process any more. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function numbersIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
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
