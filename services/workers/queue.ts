/**
 * @file The queue in front of the workers: bounded, and fair among tenants. The next job is one of the tenant that has
 * cost least so far, in milliseconds that its jobs held a worker: guessed when they begin, put right when they end.
 * That is deficit round robin with a quantum of nothing: for a few hundred tenants, looking at all of them is no cost.
 */
import { EngineError } from '../../engine/errors.ts';

/** Work that waits. */
export interface Waiting {
  readonly tenant: string;
  /** What it will cost, by all that is known, in milliseconds of a worker. */
  readonly cost: number;
}

/** One place of so many is left to others by the tenant with the most jobs. */
const RESERVED = 8;

interface Line<T> {
  readonly jobs: T[];
  /** What its jobs have cost, on the clock that all tenants with work go by. */
  spent: number;
}

/** Jobs in the order in which they came for each tenant, and in turns among tenants. */
export class Queue<T extends Waiting> {
  readonly #bound: number;
  /** Tenants with jobs that wait, and those who have spent more than the others since they had one. */
  readonly #lines = new Map<string, Line<T>>();
  /** What the tenant had spent that was served last: who comes anew begins there, and has neither saved nor lost. */
  #clock = 0;
  /** Places that the tenant with the most jobs leaves to others. */
  readonly #reserve: number;
  #length = 0;
  #cost = 0;

  /** `bound` jobs wait at most. */
  constructor(bound: number) {
    this.#reserve = Math.floor(bound / RESERVED);
    this.#bound = bound;
  }

  get length(): number {
    return this.#length;
  }

  /** What all that waits will cost, in milliseconds of a worker. */
  get cost(): number {
    return this.#cost;
  }

  /**
   * Has a job wait; throws its tenant's `refusal`. Where another tenant gives way, the job that this one sent last is
   * returned, to be refused in its place.
   */
  push(job: T, retryAfter: number): T | undefined {
    const refusal = this.refusal(job.tenant, retryAfter);
    if (refusal !== undefined) throw refusal;
    const dropped = this.#isFull ? this.#longest()?.jobs.pop() : undefined;
    if (dropped !== undefined) this.#count(-1, dropped);
    this.#lineOf(job.tenant).jobs.push(job);
    this.#count(1, job);
    return dropped;
  }

  /**
   * Why no job of a tenant may wait now, whatever it costs; `undefined` where one may. When the queue is full, the tenant
   * with the most jobs in it gives way: it is `rate_limited` when others wait too, and the service is `overloaded` when it
   * is alone. Where others wait too, it is kept out of the last places beforehand, so that hardly a job is taken in to
   * give way later. `retryAfter` is how many seconds it is told to stay away.
   */
  refusal(tenant: string, retryAfter: number): EngineError | undefined {
    if (this.#length < this.#bound - this.#reserve) return undefined;
    const own = this.#lines.get(tenant)?.jobs.length ?? 0;
    const most = this.#longest()?.jobs.length ?? 0;
    const isAlone = own === this.#length;
    if (this.#isFull ? most > own + 1 : isAlone || most > own) return undefined;
    if (!isAlone)
      return new EngineError(
        'rate_limited',
        `${own} of your requests wait already, and those of others too; send fewer at once`,
        {},
        [],
        retryAfter,
      );
    return new EngineError('overloaded', `${own} requests wait already; try again later`, {}, [], retryAfter);
  }

  get #isFull(): boolean {
    return this.#length >= this.#bound;
  }

  /** Of the tenant with the most jobs. */
  #longest(): Line<T> | undefined {
    let longest: Line<T> | undefined;
    for (const line of this.#lines.values()) if (line.jobs.length > (longest?.jobs.length ?? 0)) longest = line;
    return longest;
  }

  /** A job has come, or is gone. */
  #count(change: 1 | -1, { cost }: T): void {
    this.#length += change;
    // Sums of fractions are not quite what they were before: an empty queue costs nothing.
    this.#cost = this.#length === 0 ? 0 : this.#cost + change * cost;
  }

  #lineOf(tenant: string): Line<T> {
    let line = this.#lines.get(tenant);
    if (line === undefined) {
      line = { jobs: [], spent: this.#clock };
      this.#lines.set(tenant, line);
    }
    if (line.jobs.length === 0) line.spent = Math.max(line.spent, this.#clock);
    return line;
  }

  /**
   * The next of the jobs that a worker can do; `undefined` when there is none, or no room for it yet: the worker's room is
   * kept for the one whose turn it is, which jobs that need less would take away again and again.
   */
  take(canBegin: (job: T) => boolean, hasRoom: (job: T) => boolean = () => true): T | undefined {
    let next: { readonly line: Line<T>; readonly at: number } | undefined;
    for (const line of this.#lines.values()) {
      if (next !== undefined && line.spent >= next.line.spent) continue;
      const at = line.jobs.findIndex(canBegin);
      if (at !== -1) next = { line, at };
    }
    if (next === undefined) return undefined;
    const { line, at } = next;
    const job = line.jobs[at] as T;
    if (!hasRoom(job)) return undefined;
    line.jobs.splice(at, 1);
    this.#count(-1, job);
    this.#clock = Math.max(this.#clock, line.spent);
    line.spent += job.cost;
    this.#tidy();
    return job;
  }

  /** A job that was taken cost more than was guessed, or less. */
  settle(tenant: string, more: number): void {
    this.#lineOf(tenant).spent += more;
    this.#tidy();
  }

  /** Takes a job out that is not wanted any more; whether it was there. */
  remove(job: T): boolean {
    const jobs = this.#lines.get(job.tenant)?.jobs ?? [];
    const at = jobs.indexOf(job);
    if (at === -1) return false;
    jobs.splice(at, 1);
    this.#count(-1, job);
    this.#tidy();
    return true;
  }

  /** Forgets the tenants that are as if they came anew: what is spent while nobody waits is taken from nobody. */
  #tidy(): void {
    for (const [tenant, { jobs, spent }] of this.#lines)
      if (this.#length === 0 || (jobs.length === 0 && spent <= this.#clock)) this.#lines.delete(tenant);
  }
}
