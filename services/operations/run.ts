/** @file A method run to its own end, by who must know whether its work was done. */
import type { Checkpoint } from '../../engine/backends/backend.ts';
import { isStream, type Method } from '../api/method.ts';

/** What becomes of what a method answers. */
export interface Listener {
  /** Takes a message of a stream, before the next one is made. */
  progress(message: unknown): Promise<void>;
  /** Takes the response; of a stream, the last message. */
  response(response: unknown): Promise<void>;
}

/**
 * Runs a method, however long it takes to notice that its deadline has passed: `perform` gives its response, or its
 * messages. `afterwards` is what it wants done when nobody looks at a message or at the response any more.
 */
export async function runToEnd(
  method: Method,
  perform: () => unknown,
  checkpoint: Checkpoint,
  afterwards: (() => void)[],
  listener: Listener,
): Promise<void> {
  let written: (() => void)[] = [];
  const release = (): void => {
    for (const run of written) run();
    written = afterwards.splice(0);
  };
  try {
    if (isStream(method)) {
      let last: unknown;
      for await (const message of perform() as AsyncIterable<unknown>) {
        release();
        last = message;
        await listener.progress(message);
        checkpoint.check();
      }
      await listener.response(last);
    } else await listener.response(await perform());
  } finally {
    release();
    release();
  }
}
