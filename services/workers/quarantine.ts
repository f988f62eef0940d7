/** @file What ended workers: a graph that did so twice is not computed again until an operator releases it. */
import { createHash } from 'node:crypto';
import { EngineError } from '../../engine/errors.ts';

/** How many workers a graph may end. */
const MAX_DEATHS = 2;

/** How many graphs are remembered that ended a worker. */
const MAX_REMEMBERED = 10_000;

/** A graph, or a session's tape, that ended workers. */
export interface Suspect {
  /** The digest of what it is known by. */
  readonly id: string;
  /** The tenant who sent it last. */
  readonly tenant: string;
  readonly method: string;
  readonly deaths: number;
  /** How the last worker ended. */
  readonly why: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What ended workers. */
export class Quarantine {
  /** By what they are known by. */
  readonly #suspects = new Map<string, Suspect>();

  /** A worker ended while it computed this. */
  blame(key: string, tenant: string, method: string, why: string): void {
    const deaths = (this.#suspects.get(key)?.deaths ?? 0) + 1;
    this.#suspects.delete(key);
    this.#suspects.set(key, { id: idOf(key), tenant, method, deaths, why, at: Date.now() });
    for (const oldest of this.#suspects.keys()) {
      if (this.#suspects.size <= MAX_REMEMBERED) break;
      this.#suspects.delete(oldest);
    }
  }

  /** The same request was computed after all: something else ended the worker. */
  absolve(key: string): void {
    const suspect = this.#suspects.get(key);
    if (suspect === undefined) return;
    if (suspect.deaths > 1) this.#suspects.set(key, { ...suspect, deaths: suspect.deaths - 1 });
    else this.#suspects.delete(key);
  }

  /** Throws `quarantined` when a key is not to be computed. */
  check(key: string): void {
    const suspect = this.#suspects.get(key);
    if (suspect === undefined || suspect.deaths < MAX_DEATHS) return;
    throw new EngineError(
      'quarantined',
      `${suspect.deaths} engine processes ended while they computed this (the last one: ${suspect.why}), so it is not ` +
        'computed any more; send another graph, or ask the operator to release this one',
    );
  }

  /** What is not to be computed. */
  list(): Suspect[] {
    return [...this.#suspects.values()].filter(({ deaths }) => deaths >= MAX_DEATHS);
  }

  /** Takes something out; whether it was there. */
  release(id: string): boolean {
    for (const [key, suspect] of this.#suspects)
      if (suspect.id === id && suspect.deaths >= MAX_DEATHS) return this.#suspects.delete(key);
    return false;
  }
}

function idOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}
