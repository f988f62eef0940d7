import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { Channel, SHARED_BYTES } from './channel.ts';

interface Ends {
  readonly a: Channel;
  readonly b: Channel;
  /** The sockets of both. */
  readonly sockets: readonly [Socket, Socket];
  readonly folder: string;
  /** The next messages that `b` takes. */
  next(): Promise<unknown>;
  /** Why `b` closed. */
  readonly closed: Promise<Error | undefined>;
}

async function open(): Promise<Ends> {
  const folder = mkdtempSync(join(tmpdir(), 'channel-'));
  const server = createServer();
  server.listen(join(folder, 'socket'));
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const one = connect(join(folder, 'socket'));
  const [two] = await accepted;
  const messages: unknown[] = [];
  const waiting: ((message: unknown) => void)[] = [];
  const closed = Promise.withResolvers<Error | undefined>();
  const a = new Channel({ socket: one, folder, own: 'a', other: 'b', receive() {}, closed() {} });
  const b = new Channel({
    socket: two,
    folder,
    own: 'b',
    other: 'a',
    receive: (message) => {
      const take = waiting.shift();
      if (take) take(message);
      else messages.push(message);
    },
    closed: closed.resolve,
  });
  onTestFinished(() => {
    a.close();
    b.close();
    server.close();
  });
  const next = (): Promise<unknown> =>
    messages.length > 0
      ? Promise.resolve(messages.shift())
      : new Promise((resolve) => {
          waiting.push(resolve);
        });
  return { a, b, sockets: [one, two], folder, next, closed: closed.promise };
}

const arrays = fc.oneof(
  fc.float32Array({ maxLength: 40 }),
  fc.float64Array({ maxLength: 40 }),
  fc.int32Array({ maxLength: 40 }),
  fc.bigInt64Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }),
);

const trees = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.double(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.constant(undefined),
    fc.bigInt(),
    arrays,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(fc.tuple(fc.string(), tie('tree')), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
})).tree;

test('messages come as they were sent, in order, whatever is in them', async () => {
  const { a, next } = await open();
  await fc.assert(
    fc.asyncProperty(fc.array(trees, { maxLength: 8 }), async (messages) => {
      for (const message of messages) void a.send(message);
      const received: unknown[] = [];
      for (const _ of messages) received.push(await next());
      expect(received).toStrictEqual(messages);
    }),
  );
});

test('large arrays go through shared memory, which is used again, and keep their place among small ones', async () => {
  const { a, next, sockets } = await open();
  const large = (fill: number): Float32Array => new Float32Array(SHARED_BYTES).fill(fill);
  for (let round = 0; round < 4; round++) {
    const before = sockets[0].bytesWritten;
    const sent = [large(round), { x: large(-round), y: [1, 2] }, 'between', large(7), 'last'];
    for (const message of sent) void a.send(message);
    for (const message of sent) expect(await next()).toStrictEqual(message);
    expect(sockets[0].bytesWritten - before).toBeLessThan(4096);
  }
});

test('what a sender changes after sending has resolved is not seen', async () => {
  const { a, next } = await open();
  const array = new Float32Array(SHARED_BYTES).fill(1);
  const small = new Float32Array(4).fill(1);
  const sent = a.send({ array });
  void a.send({ small });
  small.fill(2);
  await sent;
  array.fill(2);
  expect(await next()).toStrictEqual({ array: new Float32Array(SHARED_BYTES).fill(1) });
  expect(await next()).toStrictEqual({ small: new Float32Array(4).fill(1) });
});

test('where there is no room for files, large arrays go through the socket', async () => {
  const { a, next, folder } = await open();
  // The socket outlives its name.
  rmSync(folder, { recursive: true });
  const sent = [new Float32Array(SHARED_BYTES).fill(3), 'between', new Float32Array(2 * SHARED_BYTES).fill(4)];
  for (const message of sent) void a.send(message);
  for (const message of sent) expect(await next()).toStrictEqual(message);
});

test('no file is left behind, read or not', async () => {
  const { a, b, next, folder } = await open();
  void a.send(new Uint8Array(SHARED_BYTES));
  await next();
  expect(readdirSync(folder)).toEqual(['socket']);
  b.close();
  await a.send(new Uint8Array(2 * SHARED_BYTES));
  a.close();
  expect(readdirSync(folder)).toEqual(['socket']);
});

test('a segment that is shorter than was said ends the channel', async () => {
  const { a, next, closed, folder, sockets } = await open();
  void a.send(new Uint8Array(SHARED_BYTES));
  await next();
  // The frame is held back until its file has been cut.
  sockets[0].cork();
  await a.send(new Uint8Array(4 * SHARED_BYTES));
  const [file] = readdirSync(folder).filter((name) => name.startsWith('a-'));
  truncateSync(join(folder, file as string), SHARED_BYTES);
  sockets[0].uncork();
  expect((await closed)?.message).toBe(`a segment has ${SHARED_BYTES} bytes, not ${4 * SHARED_BYTES}`);
});

test('bytes that are no frame end the channel', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 24, maxLength: 64 }), async (bytes) => {
      const { sockets, closed } = await open();
      sockets[0].end(bytes);
      // An end in the middle of a frame is an end, too.
      await closed;
    }),
    { numRuns: 20 },
  );
});
