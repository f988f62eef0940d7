/** @file A cache of bounded size that forgets what was used least recently. */

/** Values by text keys, at most `capacity` of them. */
export class LruCache<T> {
  readonly #capacity: number;
  readonly #entries = new Map<string, T>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The value of a key, made when there is none; what `make` throws is not kept. */
  get(key: string, make: () => T): { readonly value: T; readonly cached: boolean } {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return { value: known, cached: true };
    }
    const value = make();
    this.#entries.set(key, value);
    if (this.#entries.size > this.#capacity) this.#entries.delete(this.#entries.keys().next().value as string);
    return { value, cached: false };
  }
}
