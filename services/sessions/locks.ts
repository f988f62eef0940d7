/** @file Locks by key, given in the order in which they were asked for. */

/** Locks by key. */
export class Locks {
  /** For each key, until its last lock is given back. */
  readonly #last = new Map<string, Promise<void>>();

  /** Whether somebody has a lock or waits for it. */
  has(key: string): boolean {
    return this.#last.has(key);
  }

  /** Resolves when everybody who came before is done, to what gives the lock back. */
  async take(key: string): Promise<() => void> {
    const before = this.#last.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = before ? before.then(() => promise) : promise;
    this.#last.set(key, mine);
    await before;
    return () => {
      resolve();
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
  }
}
