/** @file Streams as Server-Sent Events. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { TextEncoding } from '../../engine/formats/tensor.ts';
import { toText } from '../api/text.ts';
import type { Problem } from './problem.ts';

/** How a stream of events is written. */
export interface EventOptions {
  readonly encoding: TextEncoding;
  /** Milliseconds of silence after which a comment keeps proxies from hanging up. */
  readonly heartbeat: number;
  /** Says that the deadline has passed or the client is gone. */
  readonly signal: AbortSignal;
  /** A failure in words, for a reply that has begun. */
  problem(reason: unknown): Problem;
}

/**
 * Sends the messages as they come, no faster than the client reads them. Throws what the stream fails with before its
 * first message.
 */
export async function sendEvents(
  reply: FastifyReply,
  messages: AsyncGenerator<unknown>,
  options: EventOptions,
): Promise<FastifyReply> {
  // At its end a stream that waits for a slow reader lets go of what it holds.
  options.signal.addEventListener('abort', () => void messages.return(undefined), { once: true });
  const first = await messages.next();
  return reply
    .type('text/event-stream')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(Readable.from(eventsOf(first, messages, options)));
}

async function* eventsOf(
  first: IteratorResult<unknown>,
  messages: AsyncGenerator<unknown>,
  { encoding, heartbeat, signal, problem }: EventOptions,
): AsyncGenerator<string> {
  try {
    let next: IteratorResult<unknown> | undefined = first;
    while (next.done !== true) {
      yield event('progress', toText(next.value, encoding));
      const coming = messages.next();
      // Nobody awaits it while a reader is slow to take a heartbeat.
      coming.catch(() => {});
      next = await within(heartbeat, coming);
      while (next === undefined) {
        yield ': waiting\n\n';
        next = await within(heartbeat, coming);
      }
    }
    signal.throwIfAborted();
    yield event('done', '{}');
  } catch (reason) {
    yield event('error', JSON.stringify(problem(reason)));
  } finally {
    await messages.return(undefined);
  }
}

/** An event whose data is one line of JSON. */
function event(name: string, json: string): string {
  return `event: ${name}\ndata: ${json}\n\n`;
}

/** What `work` resolves to, or `undefined` when it takes longer. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), milliseconds);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
