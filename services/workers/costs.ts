/** @file What is known of jobs that ran before: what they cost, and where they are done best. */
import { digest } from '../../engine/program/hash.ts';

/** Milliseconds of a worker that a job is taken to cost that nobody has seen before. */
const UNKNOWN = 10;

/** How many jobs are remembered. */
const MAX_KNOWN = 10_000;

/** Milliseconds of a worker, and times seen, after which a job may be tried in the process that serves. */
const TINY = { cost: 0.5, seen: 3 } as const;

/** What is known of a job. */
interface Known {
  /** Milliseconds of a worker. */
  cost: number;
  seen: number;
  /** Whether it was too large for the process that serves. */
  isLarge: boolean;
  /** Whether those that come at once are run together. */
  isStackable: boolean;
  device: 'cpu' | 'gpu';
}

/** What is known of jobs, those that ran last at the end. */
export class Costs {
  readonly #known = new Map<string, Known>();

  /** Milliseconds of a worker that a job will likely cost. */
  of(name: string): number {
    return this.#known.get(name)?.cost ?? UNKNOWN;
  }

  /** Where it was found to be done best. */
  deviceOf(name: string): 'cpu' | 'gpu' {
    return this.#known.get(name)?.device ?? 'cpu';
  }

  /** Whether it took next to nothing, time and again. */
  isTiny(name: string): boolean {
    const known = this.#known.get(name);
    return known !== undefined && !known.isLarge && known.seen >= TINY.seen && known.cost <= TINY.cost;
  }

  /** Whether jobs of this name that come at once are run together. */
  isStackable(name: string): boolean {
    return this.#known.get(name)?.isStackable === true;
  }

  /** A job cost so much. */
  learn(name: string, cost: number): void {
    const known = this.#use(name, cost);
    known.cost += (cost - known.cost) / 2;
    known.seen++;
  }

  /** A job is done best on a device. */
  place(name: string, device: 'cpu' | 'gpu'): void {
    this.#use(name, UNKNOWN).device = device;
  }

  /** Jobs of this name are run together, or not. */
  stack(name: string, isStackable: boolean): void {
    this.#use(name, UNKNOWN).isStackable = isStackable;
  }

  /** A job was too large for the process that serves. */
  enlarge(name: string): void {
    this.#use(name, UNKNOWN).isLarge = true;
  }

  #use(name: string, cost: number): Known {
    const known = this.#known.get(name) ?? { cost, seen: 0, isLarge: false, isStackable: false, device: 'cpu' };
    this.#known.delete(name);
    this.#known.set(name, known);
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value as string);
    return known;
  }
}

/** What a request is about: its graph, or the tape that it asks; what ends workers is known by this. */
export function subjectOf(request: unknown): string {
  const { graph, session, tape } = request as {
    readonly graph?: unknown;
    readonly session?: string;
    readonly tape?: string;
  };
  // Ten thousand of these are remembered, and a graph may be long.
  return graph === undefined ? `tape ${session} ${tape}` : `graph ${digest(graph)}`;
}

/** What the cost of a request depends on, roughly: its method, what it is about, and how much it brings. */
export function nameOf(method: string, subject: string, request: unknown): string {
  const { values = {} } = request as { readonly values?: Readonly<Record<string, unknown>> };
  let elements = 1;
  for (const name in values) elements += elementsOf(values[name]);
  return `${method} ${Math.ceil(Math.log2(elements))} ${subject}`;
}

/** How many elements a value has, if its lists are as long as the first of them. */
function elementsOf(value: unknown): number {
  const { data } = (value ?? {}) as { readonly data?: unknown };
  if (ArrayBuffer.isView(data)) return (data as unknown as ArrayLike<unknown>).length;
  let elements = 1;
  for (let list = data ?? value; Array.isArray(list); list = list[0]) elements *= list.length;
  return elements;
}
