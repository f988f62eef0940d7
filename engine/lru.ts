/** @file A cache of bounded weight that forgets what was used least recently. */

/** Values by text keys, of at most `capacity` in total weight. */
export class LruCache<T> {
  readonly #capacity: number;
  readonly #entries = new Map<string, { readonly value: T; readonly weight: number }>();
  #weight = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The value of a key, made when there is none; what `make` throws is not kept, nor what is too heavy to keep. */
  get(key: string, make: () => T, weigh: (value: T) => number): { readonly value: T; readonly cached: boolean } {
    const known = this.#entries.get(key);
    if (known) {
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return { value: known.value, cached: true };
    }
    const value = make();
    const weight = key.length + weigh(value);
    // One heavy value must not push everything else out.
    if (weight > this.#capacity / 4) return { value, cached: false };
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const [oldest, entry] of this.#entries) {
      if (this.#weight <= this.#capacity) break;
      this.#entries.delete(oldest);
      this.#weight -= entry.weight;
    }
    return { value, cached: false };
  }
}
