/** @file What ended workers: a graph that did so twice is not computed again until an operator releases it. */
import { createHash } from 'node:crypto';
import { EngineError } from '../../engine/errors.ts';

/** How many workers a graph may end. */
const MAX_DEATHS = 2;

/** How many graphs are remembered that ended a worker. */
const MAX_REMEMBERED = 10_000;

/** A graph, or a session's tape, that ended workers. */
export interface Suspect {
  /** The digest of the device and of what it is. */
  readonly id: string;
  readonly device: Device;
  /** The tenant who sent it last. */
  readonly tenant: string;
  readonly method: string;
  readonly deaths: number;
  /** How the last worker ended. */
  readonly why: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

type Device = 'cpu' | 'gpu';

/** What ended workers. */
export class Quarantine {
  readonly #suspects = new Map<string, Suspect>();

  /** A worker ended while it computed this. */
  blame(device: Device, subject: string, tenant: string, method: string, why: string): void {
    const id = idOf(device, subject);
    const deaths = (this.#suspects.get(id)?.deaths ?? 0) + 1;
    this.#suspects.delete(id);
    this.#suspects.set(id, { id, device, tenant, method, deaths, why, at: Date.now() });
    for (const oldest of this.#suspects.keys()) {
      if (this.#suspects.size <= MAX_REMEMBERED) break;
      this.#suspects.delete(oldest);
    }
  }

  /** The same request was computed after all: something else ended the worker. */
  absolve(device: Device, subject: string): void {
    const id = idOf(device, subject);
    const suspect = this.#suspects.get(id);
    if (suspect === undefined) return;
    if (suspect.deaths > 1) this.#suspects.set(id, { ...suspect, deaths: suspect.deaths - 1 });
    else this.#suspects.delete(id);
  }

  /** Whether something is not to be computed on a device. */
  has(device: Device, subject: string): boolean {
    return this.#find(device, subject) !== undefined;
  }

  /** Throws `quarantined` when something is not to be computed. */
  check(device: Device, subject: string): void {
    const suspect = this.#find(device, subject);
    if (suspect === undefined) return;
    throw new EngineError(
      'quarantined',
      `${suspect.deaths} engine processes ended while they computed this (the last one: ${suspect.why}), so it is not ` +
        'computed any more; send another graph, or ask the operator to release this one',
    );
  }

  #find(device: Device, subject: string): Suspect | undefined {
    // Nearly always there is none, and no need for a digest.
    if (this.#suspects.size === 0) return undefined;
    const suspect = this.#suspects.get(idOf(device, subject));
    return suspect && suspect.deaths >= MAX_DEATHS ? suspect : undefined;
  }

  /** What is not to be computed. */
  list(): Suspect[] {
    return [...this.#suspects.values()].filter(({ deaths }) => deaths >= MAX_DEATHS);
  }

  /** Takes something out; whether it was there. */
  release(id: string): boolean {
    return (this.#suspects.get(id)?.deaths ?? 0) >= MAX_DEATHS && this.#suspects.delete(id);
  }
}

function idOf(device: Device, subject: string): string {
  return createHash('sha256').update(`${device} ${subject}`).digest('hex').slice(0, 32);
}
