/** @file Turns: one at a time, in the order in which they came. */

/** Turns at things, by their keys. */
export class Turns {
  /** The turn that comes last. */
  readonly #last = new Map<string, Promise<void>>();

  /** Whether somebody has a turn or waits for one. */
  has(key: string): boolean {
    return this.#last.has(key);
  }

  /** Resolves when everybody who came before is done; what it resolves to ends the turn. */
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
