/** @file How long a request may take, and the signal that says when it is over. */
import type { Checkpoint } from '../../engine/backends/backend.ts';
import { EngineError } from '../../engine/errors.ts';

/** The end of a request: its deadline, or nobody wanting the answer any more. */
export interface Deadline {
  /** Aborts at the end with an `EngineError` that says which it was. */
  readonly signal: AbortSignal;
  /** Throws once the end has come. */
  readonly checkpoint: Checkpoint;
  /** Ends the request now. */
  end(reason: EngineError): void;
  /** Stops the clock. */
  close(): void;
}

/** Starts the clock of a request. */
export function openDeadline(milliseconds: number): Deadline {
  const controller = new AbortController();
  const end = performance.now() + milliseconds;
  const late = (): void =>
    controller.abort(new EngineError('deadline_exceeded', `the computation took longer than ${milliseconds} ms`));
  const timer = setTimeout(late, milliseconds);
  return {
    signal: controller.signal,
    checkpoint: {
      left: () => end - performance.now(),
      check() {
        // While a computation holds the processor no timer fires, so the clock is read.
        if (performance.now() > end && !controller.signal.aborted) late();
        controller.signal.throwIfAborted();
      },
    },
    end: (reason) => controller.abort(reason),
    close: () => clearTimeout(timer),
  };
}

/** The milliseconds a request may take: the least of what was asked for and the maximum; `otherwise` when nothing was. */
export function timeoutOf(asked: readonly (number | undefined)[], otherwise: number, maximum: number): number {
  const given = asked.filter((value) => value !== undefined);
  return Math.min(maximum, ...(given.length > 0 ? given : [otherwise]));
}

/** Settles as `work` does, or rejects with the signal's reason if that comes first. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    // Not `finally`, which would make promises more for every request.
    void work.then(resolve, reject).then(() => signal.removeEventListener('abort', stop));
  });
}
