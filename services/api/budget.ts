/** @file Bytes of all requests that are being served, and the bound on them. */
import { EngineError } from '../../engine/errors.ts';

/** A number of bytes that all who take some of it share. */
export class Budget {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes bytes until what is returned is called; throws `overloaded` when there are not so many left. */
  take(bytes: number): () => void {
    if (this.#taken + bytes > this.#most)
      throw new EngineError(
        'overloaded',
        `the requests being served take ${this.#taken} bytes; with ${bytes} more they would be over ${this.#most}`,
      );
    this.#taken += bytes;
    let isTaken = true;
    return () => {
      if (isTaken) this.#taken -= bytes;
      isTaken = false;
    };
  }
}
