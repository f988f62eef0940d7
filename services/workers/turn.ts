/** @file Whose turn it is in a worker: one job computes at a time, and gives way while it waits for something else. */
import type { Board } from './board.ts';

/** The turns of one worker. The board says whose turn it is, so that it is known what ran when the worker ended. */
export class Turns {
  readonly #board: Board;
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;

  constructor(board: Board) {
    this.#board = board;
  }

  /** Resolves when it is the turn of the job at a place. */
  async take(place: number): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    this.#isTaken = true;
    this.#board.run(place);
  }

  /** Ends the turn; the job that has waited longest is next. */
  pass(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else {
      this.#isTaken = false;
      this.#board.run(undefined);
    }
  }
}
