/** @file How much the replies and the graphs of a tenant take in the store, and the bound on it. */
import { EngineError } from '../../engine/errors.ts';
import type { Store } from '../sessions/store.ts';

/** How long a count holds, in milliseconds: what expires meanwhile is seen by the next. */
const HOLDS = 60_000;

interface Count {
  bytes: number;
  readonly counted: number;
}

/** What is kept for the tenants beside sessions and operations, at most `quota` bytes for each. */
export class Kept {
  readonly #store: Store;
  readonly #quota: number;
  readonly #counts = new Map<string, Count>();

  constructor(store: Store, quota: number) {
    this.#store = store;
    this.#quota = quota;
  }

  /** Throws `quota_exceeded` when a tenant keeps as much as it may. */
  async check(tenant: string): Promise<void> {
    const now = performance.now();
    let count = this.#counts.get(tenant);
    if (count === undefined || now - count.counted > HOLDS || count.bytes >= this.#quota) {
      count = { bytes: await this.#store.replyBytes(tenant), counted: now };
      this.#counts.set(tenant, count);
    }
    if (count.bytes < this.#quota) return;
    throw new EngineError(
      'quota_exceeded',
      `the replies and graphs kept for you take ${count.bytes} bytes, and may take ${this.#quota}; they expire in time`,
    );
  }

  /** Counts bytes that are about to be kept. */
  add(tenant: string, bytes: number): void {
    const count = this.#counts.get(tenant);
    if (count) count.bytes += bytes;
  }
}
