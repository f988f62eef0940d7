/** @file Numbers for objects, in the order in which they are first seen. */

/** Gives each object a number, from 0 in the order of first use. */
export class Numbering<T> {
  readonly #numbers = new Map<T, number>();
  /** The objects by their numbers. */
  readonly items: T[] = [];

  /** The number of an object. */
  of(item: T): number {
    const known = this.#numbers.get(item);
    if (known !== undefined) return known;
    this.#numbers.set(item, this.items.length);
    return this.items.push(item) - 1;
  }
}
