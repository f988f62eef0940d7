/** @file A method run to its own end, by who must know whether its work was done. */
import { isStream, type Method } from '../api/method.ts';
import type { Job } from '../workers/engines.ts';

/** What becomes of what a method answers. */
export interface Listener {
  /** Takes a message of a stream, before the next one is made. */
  progress(message: unknown): Promise<void>;
  /** Takes the response; of a stream, the last message. */
  response(response: unknown): Promise<void>;
}

/** Takes all that a method that runs gives, however long it takes to notice that its deadline has passed. */
export async function runToEnd(
  method: Method,
  running: unknown,
  { afterwards, deadline }: Job,
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
      for await (const message of running as AsyncIterable<unknown>) {
        release();
        last = message;
        await listener.progress(message);
        deadline.checkpoint.check();
      }
      await listener.response(last);
    } else await listener.response(await running);
  } finally {
    release();
    release();
  }
}
