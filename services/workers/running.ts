/** @file A job in a worker: when it has its turn, how long it has had it, and when it must end. */
import type { Checkpoint } from '../../engine/backends/backend.ts';
import { EngineError } from '../../engine/errors.ts';
import type { Locks } from '../sessions/locks.ts';
import type { Board } from './board.ts';

/** Milliseconds between two looks at the board: looking is a call of the system. */
const LOOK_INTERVAL = 1;

/** The process that the worker was started by. */
const SUPERVISOR = process.ppid;

/** A job from its arrival to its end. One of a worker's jobs computes at a time, and gives way while it waits. */
export class RunningJob {
  readonly place: number;
  readonly checkpoint: Checkpoint;
  /** What was answered with the last commit of its work. */
  committed: { readonly response: unknown } | undefined;
  /** Whether what it computes is computed together with others like it; `undefined` where nobody has looked. */
  isStackable: boolean | undefined;
  readonly #controller = new AbortController();
  readonly #floor: Locks;
  readonly #board: Board;
  readonly #late: NodeJS.Timeout;
  #next = Promise.withResolvers<void>();
  #busy = 0;
  #since = 0;
  /** Ends its turn; `undefined` while it has none. */
  #end: (() => void) | undefined;
  #taking: Promise<void> | undefined;

  /** `left` is how many milliseconds it may take. */
  constructor(place: number, left: number, floor: Locks, board: Board) {
    this.place = place;
    this.#floor = floor;
    this.#board = board;
    const end = performance.now() + left;
    this.#late = setTimeout(() => this.cancel(tooLate()), left);
    let looked = 0;
    this.checkpoint = {
      left: () => end - performance.now(),
      check: () => {
        const now = performance.now();
        // While it computes, no timer fires and no message is heard.
        if (now > end) this.cancel(tooLate());
        if (now - looked > LOOK_INTERVAL) {
          looked = now;
          this.#look();
        }
        this.signal.throwIfAborted();
      },
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds that it has held the worker. */
  get busy(): number {
    return this.#busy + (this.#end ? performance.now() - this.#since : 0);
  }

  #look(): void {
    if (this.#board.isFlagged(this.place))
      this.cancel(new EngineError('cancelled', 'nobody waits for the answer any more'));
    // Whoever was to hear the answer is gone.
    if (process.ppid !== SUPERVISOR) process.exit(1);
  }

  /** Ends it, at its next look. */
  cancel(reason: EngineError): void {
    if (!this.signal.aborted) this.#controller.abort(reason);
  }

  /** Resolves when it has its turn. */
  begin(): Promise<void> {
    if (this.#end) return Promise.resolve();
    this.#taking ??= this.#take();
    return this.#taking;
  }

  async #take(): Promise<void> {
    this.#end = await this.#floor.take('engine');
    this.#taking = undefined;
    this.#board.run(this.place);
    this.#since = performance.now();
  }

  /** Bears so many milliseconds of what another job did for it, or has others bear them. */
  bear(milliseconds: number): void {
    this.#busy += milliseconds;
  }

  /** Works for another job from now on, so that it is this one's place that is said to run. */
  workFor({ place }: RunningJob): void {
    this.#board.run(place);
  }

  /** Gives way to others. */
  pause(): void {
    if (!this.#end) return;
    this.#busy = this.busy;
    this.#board.run(undefined);
    this.#end();
    this.#end = undefined;
  }

  /** What `wait` resolves to; others have their turn meanwhile. */
  async during<T>(wait: Promise<T>): Promise<T> {
    this.pause();
    try {
      return await wait;
    } finally {
      await this.begin();
    }
  }

  /** Waits until the next message of its stream is wanted; throws when none is any more. */
  async untilWanted(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.signal.addEventListener('abort', () => resolve(), { once: true });
    await this.during(Promise.race([this.#next.promise, promise]));
    this.#next = Promise.withResolvers();
    this.checkpoint.check();
  }

  /** The next message of its stream is wanted. */
  want(): void {
    this.#next.resolve();
  }

  /** It has ended. */
  close(): void {
    clearTimeout(this.#late);
    this.pause();
  }
}

function tooLate(): EngineError {
  return new EngineError('deadline_exceeded', 'the computation did not end before its deadline');
}
