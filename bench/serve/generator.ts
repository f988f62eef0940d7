/** @file The load generator as its user sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Load, Outcome } from './load.ts';

/** A started load generator, for one load at a time. */
export class Generator implements Disposable {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;

  constructor() {
    this.#process = fork(fileURLToPath(new URL('load.ts', import.meta.url)), { serialization: 'advanced' });
    this.#ended = once(this.#process, 'exit').then(() => {
      throw new Error('the load generator ended');
    });
    // In the end it does, and nobody waits for it any more.
    this.#ended.catch(() => {});
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** What came of a load, for each of its streams. */
  async send(load: Load): Promise<readonly [Outcome, ...Outcome[]]> {
    this.#process.send(load);
    const [outcomes] = await Promise.race([once(this.#process, 'message'), this.#ended]);
    return outcomes;
  }

  [Symbol.dispose](): void {
    this.#process.disconnect();
  }
}
