/** @file How long a request may take, and the signal that says when it is over. */
import type { ServerResponse } from 'node:http';
import type { Checkpoint } from '../../engine/backends/backend.ts';
import { EngineError } from '../../engine/errors.ts';

/** The end of a request: its deadline, or its client going away. `close` stops watching for both. */
export interface Deadline {
  /** Aborts at the end with an `EngineError` that says which it was. */
  readonly signal: AbortSignal;
  /** Throws once the end has come. */
  readonly checkpoint: Checkpoint;
  close(): void;
}

/** Starts the clock of a request. */
export function openDeadline(milliseconds: number, response: ServerResponse): Deadline {
  const controller = new AbortController();
  const end = performance.now() + milliseconds;
  const late = (): void =>
    controller.abort(new EngineError('deadline_exceeded', `the computation took longer than ${milliseconds} ms`));
  const timer = setTimeout(late, milliseconds);
  const gone = (): void => {
    if (!response.writableFinished) controller.abort(new EngineError('cancelled', 'the client went away'));
  };
  response.once('close', gone);
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
    close() {
      clearTimeout(timer);
      response.off('close', gone);
    },
  };
}

/** The milliseconds a request may take: the least of what its header, its options and the service allow. */
export function timeoutOf(
  header: unknown,
  option: number | undefined,
  config: { readonly timeout: number; readonly maxTimeout: number },
): number {
  const asked = [readHeader(header, config.maxTimeout), option].filter((value) => value !== undefined);
  return Math.min(config.maxTimeout, ...(asked.length > 0 ? asked : [config.timeout]));
}

function readHeader(header: unknown, maximum: number): number | undefined {
  if (header === undefined) return undefined;
  const value = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 0;
  if (value >= 1 && value <= maximum) return value;
  throw new EngineError('invalid_request', `the header X-Timeout-Ms must be a whole number from 1 to ${maximum}`);
}

/** Settles as `work` does, or rejects with the signal's reason if that comes first. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
