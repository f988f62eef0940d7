/** @file Streams as Server-Sent Events, over real sockets where it is about sockets. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { EngineError } from '../../engine/errors.ts';
import { type Method, streamMethod } from '../../services/api/method.ts';
import { openApiDocument } from '../../services/rest/openapi.ts';
import { type TestApp, testApp } from './rest-harness.ts';

/** What became of the streams that began. */
interface Seen {
  begun: number;
  made: number;
  ended: number;
  released: number;
  /** The most messages whose memory was kept at once. */
  held: number;
  signal: AbortSignal | undefined;
}

function ticking(): { seen: Seen; methods: readonly Method[] } {
  const seen: Seen = { begun: 0, made: 0, ended: 0, released: 0, held: 0, signal: undefined };
  const request = z.strictObject({
    count: z.coerce.number<number | string>().int().min(0).max(1e9).default(3),
    ms: z.coerce.number<number | string>().int().min(0).max(1e6).default(0),
    bytes: z.coerce.number<number | string>().int().min(0).max(1e6).default(0),
    failAt: z.coerce.number<number | string>().int().min(0).max(1e9).default(-1),
    how: z.enum(['ours', 'stranger']).default('ours'),
    encoding: z.enum(['nested', 'flat', 'base64', 'binary']).optional(),
  });
  const tick = streamMethod({
    name: 'Tick',
    summary: 'Counts.',
    verb: 'GET',
    path: '/v1/ticks',
    request,
    response: z.object({ at: z.number(), x: z.unknown() }),
    examples: [],
    async *stream({ count, ms, bytes, failAt, how }, { signal, afterReply }) {
      seen.begun++;
      seen.signal = signal;
      try {
        for (let at = 0; at < count; at++) {
          if (at === failAt) {
            if (how === 'ours') throw new EngineError('cost_exceeded', 'too much', { node: 'y' });
            throw new TypeError(`cannot read ${import.meta.filename}`);
          }
          if (ms > 0) await sleep(ms, undefined, { signal });
          afterReply(() => seen.released++);
          seen.made++;
          seen.held = Math.max(seen.held, seen.made - seen.released);
          yield {
            at,
            x: { type: { dtype: 'float64', shape: [1] }, data: new Float64Array([-0]) },
            text: 'a'.repeat(bytes),
          } as { at: number; x: unknown };
        }
      } finally {
        seen.ended++;
      }
    },
  });
  const post = streamMethod({
    ...tick,
    name: 'PostTick',
    verb: 'POST',
    request: z.strictObject({ options: z.strictObject({ timeout_ms: z.number().optional() }).default({}) }),
    stream: (_, context) => tick.stream(request.parse({ count: 1e6, ms: 5 }), context),
  });
  return { seen, methods: [tick, post] };
}

async function listen(app: TestApp): Promise<string> {
  return app.listen({ host: '127.0.0.1', port: 0 });
}

/** A socket that has sent a request and reads nothing until it is told to. */
async function ask(app: TestApp, path: string): Promise<Socket> {
  const socket = connect(Number(new URL(app.listeningOrigin).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  await once(socket, 'connect');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return socket;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

const progress = (at: number): string => `event: progress\ndata: {"at":${at},"x":[-0],"text":""}\n\n`;

describe('a stream', () => {
  test('is events: its messages, then done', async () => {
    const { methods, seen } = ticking();
    const reply = await testApp({ methods }).inject('/v1/ticks');
    expect(reply.statusCode).toBe(200);
    expect(reply.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-request-id': expect.any(String),
    });
    expect(reply.body).toBe(`${progress(0)}${progress(1)}${progress(2)}event: done\ndata: {}\n\n`);
    await until(() => seen.ended === 1);
    expect(seen.released).toBe(3);
    expect(seen.held).toBe(2);
  });

  test('of nothing is done at once', async () => {
    const reply = await testApp({ methods: ticking().methods }).inject('/v1/ticks?count=0');
    expect(reply.body).toBe('event: done\ndata: {}\n\n');
  });

  test('writes tensors as asked, but as text', async () => {
    const app = testApp({ methods: ticking().methods });
    const flat = await app.inject('/v1/ticks?count=1&encoding=flat');
    expect(flat.body).toContain('"x":{"dtype":"float64","shape":[1],"data":[-0]}');
    expect((await app.inject('/v1/ticks?encoding=binary')).json()).toMatchObject({
      status: 400,
      detail: "a stream is text and has no encoding 'binary'",
    });
  });

  test('that fails before its first message is an ordinary problem', async () => {
    const app = testApp({ methods: ticking().methods });
    expect((await app.inject('/v1/ticks?failAt=0')).json()).toMatchObject({ status: 422, code: 'cost_exceeded' });
    expect((await app.inject('/v1/ticks?colour=red')).json()).toMatchObject({ status: 400 });
    const stranger = await app.inject('/v1/ticks?failAt=0&how=stranger');
    expect(stranger.json()).toMatchObject({ status: 500, code: 'internal' });
  });

  test('that fails later ends with the problem, and says no more than it would otherwise', async () => {
    const app = testApp({ methods: ticking().methods });
    const headers = { 'x-request-id': 'r7' };
    const reply = await app.inject({ url: '/v1/ticks?failAt=1', headers });
    const [first, last, rest] = reply.body.split('\n\n');
    expect([reply.statusCode, `${first}\n\n`, rest]).toEqual([200, progress(0), '']);
    expect(last?.split('\n')[0]).toBe('event: error');
    expect(JSON.parse(last?.split('\ndata: ')[1] ?? '')).toEqual({
      type: '/errors/cost_exceeded',
      title: 'The computation would cost more than the limits allow.',
      status: 422,
      code: 'cost_exceeded',
      detail: 'too much',
      node: 'y',
      instance: 'r7',
    });
    const stranger = await app.inject('/v1/ticks?failAt=1&how=stranger');
    expect(stranger.body).toContain('event: error\ndata: {"type":"/errors/internal"');
    expect(stranger.body).not.toContain(import.meta.filename);
  });

  test('keeps its connection for the next request', async () => {
    const app = testApp({ methods: ticking().methods });
    await listen(app);
    const socket = await ask(app, '/v1/ticks');
    let heard = '';
    socket.on('data', (chunk) => (heard += chunk.toString())).resume();
    await until(() => heard.includes('event: done') && heard.endsWith('0\r\n\r\n'));
    heard = '';
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    await until(() => heard.includes('{"status":"ok"}'));
  });

  test('comes as it is made, and a silent one has comments in it', async () => {
    const app = testApp({ methods: ticking().methods, environment: { ADJOINT_HEARTBEAT_MS: '20' } });
    const reply = await fetch(`${await listen(app)}/v1/ticks?count=2&ms=120`);
    const pieces: string[] = [];
    for await (const chunk of reply.body as ReadableStream<Uint8Array>) pieces.push(Buffer.from(chunk).toString());
    expect(pieces[0]).toBe(progress(0));
    const text = pieces.join('');
    const [between = ''] = text.split(progress(1)).map((part) => part.slice(progress(0).length));
    expect(between).toMatch(/^(: waiting\n\n){2,}$/);
    expect(text.endsWith(`${progress(1)}event: done\ndata: {}\n\n`)).toBe(true);
  });

  test('HEAD does not begin one', async () => {
    const { methods, seen } = ticking();
    const reply = await testApp({ methods }).inject({ method: 'HEAD', url: '/v1/ticks' });
    expect([reply.statusCode, seen.begun]).toEqual([405, 0]);
  });
});

describe('a reader', () => {
  test('that is slow is waited for, and nothing is piled up for it', async () => {
    const { methods, seen } = ticking();
    const app = testApp({ methods });
    await listen(app);
    const socket = await ask(app, '/v1/ticks?count=2000&bytes=100000');
    await until(() => seen.made > 0);
    let before = -1;
    while (before !== seen.made) {
      before = seen.made;
      await sleep(200);
    }
    // What lies between is a few messages of ours and the buffers of the two sockets.
    expect(seen.made).toBeLessThan(200);
    let bytes = 0;
    socket.on('data', (chunk) => (bytes += chunk.length)).resume();
    await until(() => bytes > 2000 * 100_000);
    await until(() => seen.ended === 1);
    expect(seen.made).toBe(2000);
  });

  test('that goes away ends the stream', async () => {
    const { methods, seen } = ticking();
    const app = testApp({ methods });
    await listen(app);
    const socket = await ask(app, '/v1/ticks?count=1000000&ms=5');
    await until(() => seen.made > 2);
    socket.destroy();
    await until(() => seen.ended === 1);
    expect(seen.signal?.reason).toMatchObject({ code: 'cancelled' });
    const { made } = seen;
    await sleep(30);
    expect(seen.made).toBe(made);
  });

  test('that goes away from a stream that never pauses ends it', async () => {
    const { methods, seen } = ticking();
    const app = testApp({ methods });
    await listen(app);
    const socket = await ask(app, '/v1/ticks?count=1000000000');
    socket.resume();
    await until(() => seen.made > 2);
    socket.destroy();
    await until(() => seen.ended === 1);
  });

  test('that stopped reading holds nothing after the deadline', async () => {
    const { methods, seen } = ticking();
    const app = testApp({ methods, environment: { ADJOINT_TIMEOUT_MS: '300', ADJOINT_MAX_TIMEOUT_MS: '300' } });
    await listen(app);
    const socket = await ask(app, '/v1/ticks?count=1000000&bytes=1000000');
    await until(() => seen.ended === 1);
    expect(seen.signal?.reason).toMatchObject({ code: 'deadline_exceeded' });
    // And when it goes on reading, it is told.
    let heard = '';
    socket.on('data', (chunk) => (heard = (heard + chunk.toString()).slice(-2000))).resume();
    await until(() => heard.endsWith('0\r\n\r\n'));
    expect(heard).toContain('event: error\ndata: {"type":"/errors/deadline_exceeded"');
  });
});

describe('the deadline of a stream', () => {
  const environment = { ADJOINT_TIMEOUT_MS: '20', ADJOINT_MAX_TIMEOUT_MS: '400' };
  const end = (body: string) => JSON.parse(body.split('event: error\ndata: ')[1] ?? '{}') as { detail: string };

  test.each<[string, object, Record<string, string>, number]>([
    ['is the maximum', {}, {}, 400],
    ['is what the header says', {}, { 'x-timeout-ms': '50' }, 50],
    ['is what the options say', { options: { timeout_ms: 60 } }, {}, 60],
  ])('%s', async (_, payload, headers, ms) => {
    const { methods, seen } = ticking();
    const app = testApp({ methods, environment });
    const reply = await app.inject({ method: 'POST', url: '/v1/ticks', payload, headers });
    expect(end(reply.body)).toMatchObject({
      code: 'deadline_exceeded',
      status: 504,
      detail: `the computation took longer than ${ms} ms`,
    });
    await until(() => seen.ended === 1);
  });

  test('before the first message is a problem', async () => {
    const reply = await testApp({ methods: ticking().methods }).inject({
      url: '/v1/ticks?ms=1000',
      headers: { 'x-timeout-ms': '30' },
    });
    expect(reply.json()).toMatchObject({ status: 504, code: 'deadline_exceeded' });
  });
});

test('OpenAPI describes the events', () => {
  const { paths } = openApiDocument(ticking().methods, '1.0.0') as {
    paths: Record<string, { get: { responses: { 200: { content: object } } } }>;
  };
  expect(paths['/v1/ticks']?.get.responses[200].content).toEqual({
    'text/event-stream': {
      schema: {
        type: 'string',
        description: expect.stringContaining('Server-Sent Events'),
        contentMediaType: 'application/json',
        contentSchema: { $ref: '#/components/schemas/TickResponse' },
      },
    },
  });
});
