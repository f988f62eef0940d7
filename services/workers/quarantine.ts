/** @file What ended workers: a graph that did so twice is not computed again until an operator releases it. */
import { EngineError } from '../../engine/errors.ts';

/** How many workers a graph may end. */
const MAX_DEATHS = 2;

/** How many graphs are remembered that ended a worker. */
const MAX_REMEMBERED = 10_000;

/** A graph, or a session's tape, that ended workers. */
export interface Suspect {
  readonly key: string;
  /** The tenant who sent it last. */
  readonly tenant: string;
  readonly method: string;
  readonly deaths: number;
  /** How the last worker ended. */
  readonly why: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What ended workers, by key. */
export class Quarantine {
  readonly #suspects = new Map<string, Suspect>();

  /** A worker ended while it computed this. */
  blame(key: string, tenant: string, method: string, why: string): void {
    const deaths = (this.#suspects.get(key)?.deaths ?? 0) + 1;
    this.#suspects.delete(key);
    this.#suspects.set(key, { key, tenant, method, deaths, why, at: Date.now() });
    for (const oldest of this.#suspects.keys()) {
      if (this.#suspects.size <= MAX_REMEMBERED) break;
      this.#suspects.delete(oldest);
    }
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

  /** Forgets what a key did; whether it was in quarantine. */
  release(key: string): boolean {
    const isListed = (this.#suspects.get(key)?.deaths ?? 0) >= MAX_DEATHS;
    this.#suspects.delete(key);
    return isListed;
  }
}
