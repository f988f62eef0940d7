/** @file The port against what no honest client sends: sizes, bombs, garbage, late and missing bytes, missing keys. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { connect as dial } from 'node:net';
import { gzipSync } from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
// biome-ignore lint/style/noRestrictedImports: what the log must not say is looked for.
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { EngineError } from '../../engine/errors.ts';
import { evaluate } from '../../services/api/evaluate.ts';
import { METHODS } from '../../services/api/index.ts';
import { type Method, method } from '../../services/api/method.ts';
import { REFLECTION_PATHS } from '../../services/grpc/reflection.ts';
import { definitionOf, type Json, RPCS, type Running, refusalOf, start, tensor } from './harness.ts';

const { NGHTTP2_CANCEL } = constants;

const KEY = 'a-key-of-more-than-16';
const KEYS = { ADJOINT_API_KEYS: `one:${KEY},two:another-key-of-16-chars` };

function bearing(key: string): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return metadata;
}

/** An HTTP/2 connection without a gRPC client on it. */
function session({ address }: Running): ClientHttp2Session {
  const made = connect(`http://${address}`);
  made.on('error', () => {});
  onTestFinished(() => made.destroy());
  return made;
}

/** What the server says to bytes sent as the body of a call. */
async function send(
  connection: ClientHttp2Session,
  body: Uint8Array,
  {
    path = '/adjoint.v1.AutodiffService/Evaluate',
    headers = {},
    end = true,
  }: { path?: string; headers?: Record<string, string>; end?: boolean } = {},
): Promise<{ status: string; http: number; message: string }> {
  const stream = connection.request({
    ':method': 'POST',
    ':path': path,
    te: 'trailers',
    'content-type': 'application/grpc',
    ...headers,
  });
  const said: Json = {};
  stream.on('response', (head) => Object.assign(said, head));
  stream.on('trailers', (tail) => Object.assign(said, tail));
  stream.on('error', () => {});
  stream.resume();
  stream.write(body);
  if (end) stream.end();
  // Not its close: that of a client that has more to send is its own affair.
  await Promise.race([once(stream, 'end'), once(stream, 'close')]);
  stream.close();
  return {
    status: grpc.status[Number(said['grpc-status'])] ?? 'none',
    http: said[':status'],
    message: said['grpc-message'] ?? '',
  };
}

/** A gRPC message with the length that is claimed for it. */
function framed(bytes: Uint8Array, { length = bytes.length, compressed = 0 } = {}): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

const evaluateBytes = (values: Json = { x: tensor([1, 2]) }): Buffer =>
  definitionOf('Evaluate').requestSerialize({ graph: { text: 'y = x + 1' }, values });

/** Still answers, and soon. */
async function isWell(service: Running): Promise<void> {
  const started = performance.now();
  const { values } = await service
    .client()
    .call('Evaluate', { graph: { text: 'y = x + 1' }, values: { x: tensor([1]) } });
  expect(values.y.data.readFloatLE()).toBe(2);
  expect(performance.now() - started).toBeLessThan(10_000);
}

describe('T18 sizes and garbage', () => {
  test('a message of as many bytes as the bound is read, and one more byte is too many', async () => {
    const service = await start({ environment: { ADJOINT_BODY_LIMIT: '4096' } });
    const client = service.client();
    const connection = session(service);
    // What is not known is passed over, so a field of the future fills a message up.
    const filled = (length: number): Buffer => {
      const bytes = evaluateBytes();
      const room = length - bytes.length - 3;
      return Buffer.concat([bytes, Buffer.from([0x7a, (room & 127) | 128, room >> 7]), Buffer.alloc(room)]);
    };
    expect(filled(4096)).toHaveLength(4096);
    expect((await send(connection, framed(filled(4096)))).status).toBe('OK');
    expect((await send(connection, framed(filled(4097)))).status).toBe('RESOURCE_EXHAUSTED');
    const big = { graph: { text: 'y = x' }, values: { x: tensor(new Array(1100).fill(1)) } };
    expect((await client.refused('Evaluate', big)).status).toBe('RESOURCE_EXHAUSTED');
    await isWell(service);
  });

  test.each([
    ['garbage', framed(Buffer.from('garbage that is no protobuf')), 'INVALID_ARGUMENT'],
    ['nothing', Buffer.alloc(0), 'UNIMPLEMENTED'],
    ['two messages', Buffer.concat([framed(evaluateBytes()), framed(evaluateBytes())]), 'UNIMPLEMENTED'],
    ['a length longer than what comes', framed(evaluateBytes(), { length: 1000 }), undefined],
    ['a length of 4 GiB', framed(evaluateBytes(), { length: 2 ** 32 - 1 }), 'RESOURCE_EXHAUSTED'],
    ['a length of 0 and bytes after it', framed(evaluateBytes(), { length: 0 }), undefined],
    [
      'a field longer than its message',
      framed(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, 1])),
      'INVALID_ARGUMENT',
    ],
    ['text that is not UTF-8', framed(Buffer.from([0x0a, 0x04, 0x0a, 0x02, 0xff, 0xfe])), 'INVALID_ARGUMENT'],
  ])('%s is refused, and the port lives', async (_, body, status) => {
    const service = await start();
    const said = await send(session(service), body);
    expect(said.status).not.toBe('OK');
    if (status !== undefined) expect(said.status).toBe(status);
    expect(said.message).not.toMatch(/node:|\.ts\b|\/work|at \w+ \(/);
    await isWell(service);
  });

  test.each<[string, { path?: string; headers?: Record<string, string> }, string | undefined]>([
    ['an unknown path', { path: '/adjoint.v1.AutodiffService/Evalutae' }, 'UNIMPLEMENTED'],
    ['a path that is none', { path: '/%00' }, 'UNIMPLEMENTED'],
    ['another content type', { headers: { 'content-type': 'application/json' } }, 'none'],
    ['an encoding that is not known', { headers: { 'grpc-encoding': 'br' } }, undefined],
    ['a timeout that is none', { headers: { 'grpc-timeout': 'soon' } }, undefined],
  ])('%s is refused, and the port lives', async (_, how, status) => {
    const service = await start();
    const said = await send(
      session(service),
      framed(evaluateBytes(), { compressed: 'grpc-encoding' in (how.headers ?? {}) ? 1 : 0 }),
      how,
    );
    expect(said.status).not.toBe('OK');
    if (status !== undefined) expect(said.status).toBe(status);
    await isWell(service);
  });

  test('bytes that are no HTTP/2 end the connection and nothing else', async () => {
    const service = await start();
    const port = Number(service.address.split(':')[1]);
    for (const bytes of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      '\0'.repeat(1000),
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\xff'.repeat(500)}`,
    ]) {
      const socket = dial(port, '127.0.0.1');
      socket.on('error', () => {});
      socket.resume();
      socket.write(bytes, 'latin1');
      await once(socket, 'close');
    }
    await isWell(service);
  });

  test('T16 half a MiB that unpacks to 512 MiB is refused before it has', async () => {
    const service = await start();
    const bomb = gzipSync(Buffer.alloc(2 ** 29));
    expect(bomb.length).toBeLessThan(2 ** 20);
    const before = process.memoryUsage().rss;
    const said = await send(session(service), framed(bomb, { compressed: 1 }), {
      headers: { 'grpc-encoding': 'gzip' },
    });
    expect(said.status).toBe('RESOURCE_EXHAUSTED');
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
    await isWell(service);
  });

  test('a message that is compressed honestly is read', async () => {
    const service = await start();
    const body = framed(gzipSync(evaluateBytes()), { compressed: 1 });
    expect((await send(session(service), body, { headers: { 'grpc-encoding': 'gzip' } })).status).toBe('OK');
  });

  test('T17 a request that does not end is given up', async () => {
    const service = await start({
      environment: { ADJOINT_REQUEST_TIMEOUT_MS: '300', ADJOINT_HEADERS_TIMEOUT_MS: '200' },
    });
    const connection = session(service);
    for (const path of ['/adjoint.v1.AutodiffService/Evaluate', '/adjoint.v1.VariableService/UploadVariables']) {
      const started = performance.now();
      expect((await send(connection, framed(Buffer.alloc(0)), { path, end: false })).status).toBe('DEADLINE_EXCEEDED');
      expect(performance.now() - started).toBeLessThan(10_000);
    }
    await isWell(service);
  });

  test('T19 thousands of calls that are cancelled at once leave the port as it was', async () => {
    const service = await start();
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 20; round++) {
      const connection = session(service);
      for (let i = 0; i < 250 && !connection.closed && !connection.destroyed; i++) {
        const headers = {
          ':method': 'POST',
          ':path': '/adjoint.v1.AutodiffService/Evaluate',
          te: 'trailers',
          'content-type': 'application/grpc',
        };
        const stream = connection.request(headers);
        stream.on('error', () => {});
        stream.end(framed(evaluateBytes()));
        stream.close(NGHTTP2_CANCEL);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
      connection.destroy();
    }
    await isWell(service);
    expect(process.memoryUsage().rss - before).toBeLessThan(128 * 2 ** 20);
  });

  test('connections over the bound are not taken, and those that are go on', async () => {
    const service = await start({ environment: { ADJOINT_MAX_CONNECTIONS: '3' } });
    const held = Array.from({ length: 3 }, () => session(service));
    await Promise.all(held.map((each) => once(each, 'remoteSettings')));
    const extra = session(service);
    await once(extra, 'close');
    expect((await send(held[0] as ClientHttp2Session, framed(evaluateBytes()))).status).toBe('OK');
  });
});

describe('T28 who calls', () => {
  const PATHS = [...RPCS.map(({ parent, name }) => `/${parent.typeName}/${name}`), ...REFLECTION_PATHS];

  test.each(PATHS)('%s is for nobody without a key, whatever is sent with it', async (path) => {
    const service = await start({ environment: KEYS });
    const connection = session(service);
    // Refused by its headers: the body that would be an error of another kind is never looked at.
    for (const headers of [
      {},
      { authorization: 'Bearer ' },
      { authorization: `Basic ${KEY}` },
      { authorization: `Bearer ${KEY}x` },
      { authorization: KEY },
      { 'x-api-key': KEY },
    ])
      expect(
        (
          await send(connection, Buffer.from('not even framed'), {
            path,
            headers: headers as Record<string, string>,
            end: false,
          })
        ).status,
      ).toBe('UNAUTHENTICATED');
  });

  test('the refusal says what is needed, and a key lets through', async () => {
    const service = await start({ environment: KEYS });
    const client = service.client();
    const fault = await client.refused('GetLimits', {});
    expect(fault).toMatchObject({ status: 'UNAUTHENTICATED', details: { ErrorInfo: { reason: 'unauthenticated' } } });
    expect(fault.detail).toContain('Authorization: Bearer');
    await expect(client.call('GetLimits', {}, { metadata: bearing(KEY) })).resolves.toHaveProperty('limits');
  });

  test('T25 what another tenant has is not there, in the same words as what nobody has', async () => {
    const service = await start({ environment: KEYS });
    const client = service.client();
    const mine = { metadata: bearing(KEY) };
    const others = { metadata: bearing('another-key-of-16-chars') };
    const { session: own } = (await client.call('CreateSession', {}, mine)).session;
    const absent = `${own.slice(0, -4)}zzzz`;
    for (const { name } of METHODS.filter(({ path, content }) => path.includes('{session}') && content === undefined)) {
      if (definitionOf(name).responseStream) continue;
      const request = (session: string): Json => ({
        session,
        name: 'w',
        tape: 't',
        value: tensor([1]),
        target: 'y',
        targets: ['y'],
        sources: { name: 'x' },
        graph: { text: 'y = 1' },
      });
      const ask = async (session: string): Promise<Json> => {
        const { input } = RPCS.find((rpc) => rpc.name === name) as (typeof RPCS)[number];
        const fields = Object.entries(request(session)).filter(
          ([field]) => input.field[field] !== undefined || input.fields.some((f) => f.name === field),
        );
        return client.refused(name, Object.fromEntries(fields), others);
      };
      const [theirs, nobodys] = [await ask(own), await ask(absent)];
      expect(theirs.status, name).toBe('NOT_FOUND');
      expect(theirs.detail.replaceAll(own, 'x'), name).toBe(nobodys.detail.replaceAll(absent, 'x'));
    }
  });

  test('a request id is the client’s where it is fit, and one of ours where it is not', async () => {
    const service = await start();
    const client = service.client();
    const idFor = async (sent: string): Promise<string> => {
      const metadata = new grpc.Metadata();
      metadata.set('x-request-id', sent);
      const { path, requestSerialize, responseDeserialize } = definitionOf('GetLimits');
      const { promise, resolve } = Promise.withResolvers<grpc.Metadata>();
      client.client
        .makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, metadata, () => {})
        .on('metadata', resolve);
      return String((await promise).get('x-request-id')[0]);
    };
    expect(await idFor('mine-1.2:3_4')).toBe('mine-1.2:3_4');
    expect(await idFor('x'.repeat(65))).toMatch(/^[0-9a-f-]{36}$/);
    expect(await idFor('not fit')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

/** A method of `Evaluate`'s messages that does something else. */
function instead(handle: (request: Json, context: Json) => unknown): Method {
  return method({
    ...evaluate,
    request: z.looseObject({}),
    response: z.looseObject({}),
    handle: handle as never,
  }) as Method;
}

const asked = { graph: { text: 'y = x' }, values: {} };

describe('T34 what an error says', () => {
  test.each([
    [
      'thrown',
      () => {
        throw new TypeError(`cannot read ${import.meta.filename}`);
      },
    ],
    ['rejected with', () => Promise.reject(new RangeError(`at ${import.meta.filename}:1:1`))],
    ['a response that is none', () => ({ nothing: 'like it' })],
    ['a response of the wrong type', () => ({ values: { x: 'text' } })],
    ['no error at all', () => Promise.reject(undefined)],
  ])('a stranger %s is INTERNAL, and its text is in the log alone', async (_, handle) => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
    const service = await start({ methods: [instead(handle)], log });
    const fault = await service.client().refused('Evaluate', asked);
    expect(fault.status).toBe('INTERNAL');
    expect(fault.details.ErrorInfo).toMatchObject({ reason: 'internal' });
    expect(JSON.stringify(fault.details) + fault.detail).not.toMatch(/\.ts|node:|\/|cannot read|nothing/);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] as string).request).toBe(fault.details.RequestInfo.request_id);
  });

  test('words of any kind and length reach the client, cut to what trailers may hold', async () => {
    const hostile = ['\ud800 half a pair', '日本語 ü %41 %', 'a\r\nb: c', '\0', 'x'.repeat(100_000), '😀'.repeat(5000)];
    for (const words of hostile) {
      const violations = Array.from({ length: 50 }, (_, i) => ({
        pointer: `/graph/nodes/${i}/${words.slice(0, 500)}`,
        detail: words,
      }));
      const where = { node: words, op: words, input: words, param: words, pointer: `/${words}` };
      const handle = (): never => {
        throw new EngineError('invalid_graph', words, where, violations);
      };
      const service = await start({ methods: [instead(handle)] });
      const fault = await service.client().refused('Evaluate', asked);
      expect(fault.status).toBe('INVALID_ARGUMENT');
      expect(fault.details.ErrorInfo.reason).toBe('invalid_graph');
      expect(fault.details.RequestInfo).toBeDefined();
      const size = [...Object.entries(fault.metadata.toHttp2Headers())].reduce(
        (sum, [key, value]) => sum + key.length + String(value).length,
        encodeURI(fault.detail).length,
      );
      expect(size).toBeLessThan(8192);
      expect(fault.detail.slice(0, 100)).toBe(words.toWellFormed().slice(0, fault.detail.length).slice(0, 100));
      await service.client().refused('Evaluate', asked);
    }
  });
});

describe('the end of a call', () => {
  const spinning = instead((_, { checkpoint }) => {
    for (;;) checkpoint.check();
  });

  test('work that gives nobody else the processor is stopped by the deadline of the call', async () => {
    const service = await start({ methods: [spinning] });
    const started = performance.now();
    const fault = await service.client().refused('Evaluate', asked, { deadline: Date.now() + 300 });
    expect(fault.status).toBe('DEADLINE_EXCEEDED');
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test.each([
    ['of the options', { options: { timeout_ms: 200 } }, {}],
    ['of the service', {}, { ADJOINT_TIMEOUT_MS: '200' }],
    [
      'that the service allows at most',
      { options: { timeout_ms: 60_000 } },
      { ADJOINT_TIMEOUT_MS: '100', ADJOINT_MAX_TIMEOUT_MS: '200' },
    ],
  ])('by the deadline %s, with details', async (_, more, environment) => {
    const service = await start({ methods: [spinning], environment: environment as Record<string, string> });
    const fault = await service.client().refused('Evaluate', { ...asked, ...more });
    expect(fault).toMatchObject({
      status: 'DEADLINE_EXCEEDED',
      details: { ErrorInfo: { reason: 'deadline_exceeded' } },
    });
    expect(fault.detail).toMatch(/^the computation took longer than [12]\d\d ms$/);
  });

  test('a deadline that passed on the way begins no work', async () => {
    let begun = 0;
    const service = await start({
      methods: [
        instead(() => {
          begun++;
          return {};
        }),
      ],
    });
    const said = await send(session(service), framed(definitionOf('Evaluate').requestSerialize(asked)), {
      headers: { 'grpc-timeout': '1n' },
    });
    expect(said.status).toBe('DEADLINE_EXCEEDED');
    expect(begun).toBe(0);
  });

  test('a client that goes away ends the work', async () => {
    const { promise, resolve } = Promise.withResolvers<AbortSignal>();
    const service = await start({
      methods: [
        instead((_, { signal }) => {
          resolve(signal);
          return new Promise(() => {});
        }),
      ],
    });
    const { path, requestSerialize, responseDeserialize } = definitionOf('Evaluate');
    const call = service.client().client.makeUnaryRequest(path, requestSerialize, responseDeserialize, asked, () => {});
    const signal = await promise;
    expect(signal.aborted).toBe(false);
    call.cancel();
    await once(signal, 'abort');
    expect(signal.reason).toMatchObject({ code: 'cancelled' });
  });

  test('an upload that is cut off is taken for no whole one, and for no fault of ours', async () => {
    const lines: Json[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const service = await start({ log });
    const stock = service.client();
    const variables = { w: { value: tensor([1, 2]) }, v: { value: tensor([3]) } };
    const { session: from } = (await stock.call('CreateSession', { variables })).session;
    const { session: to } = (await stock.call('CreateSession', {})).session;
    const download = definitionOf('DownloadVariables');
    const file: Buffer[] = [];
    const chunks = stock.client.makeServerStreamRequest<Json, Json>(
      download.path,
      download.requestSerialize,
      download.responseDeserialize,
      { session: from },
    );
    for await (const { content } of chunks) file.push(content);
    const half = Buffer.concat(file);
    const { path, requestSerialize, responseDeserialize } = definitionOf('UploadVariables');
    for (const wait of [0, 1, 50]) {
      lines.length = 0;
      const call = stock.client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, () => {});
      call.write({ session: to, content: half.subarray(0, half.length - 4) });
      await new Promise((resolve) => setTimeout(resolve, wait));
      call.cancel();
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (const { msg, rpc, status } of lines) {
        expect(msg).toBe('served');
        expect(['CANCELLED', 'INVALID_ARGUMENT'].includes(status), status).toBe(rpc === path);
      }
      expect((await stock.call('ListVariables', { session: to })).variables).toEqual([]);
    }
    expect(lines.filter(({ rpc }) => rpc === path)).toHaveLength(1);
  });

  test('what is to be done after the reply is done after it, and after an error too', async () => {
    const done: string[] = [];
    const service = await start({
      methods: [
        instead((_, { afterReply }) => {
          afterReply(() => done.push('released'));
          return { values: new Map() };
        }),
      ],
    });
    await service.client().call('Evaluate', asked);
    expect(done).toEqual(['released']);
  });

  test('a drain loses no call that was begun, and refuses the rest so that they may be sent again', async () => {
    let begun = 0;
    let inFlight = 0;
    const service = await start({
      methods: [
        instead(async () => {
          begun++;
          inFlight++;
          await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60));
          inFlight--;
          return { values: new Map() };
        }),
      ],
    });
    const clients = Array.from({ length: 4 }, () => service.client());
    const outcomes: Promise<string>[] = [];
    const ask = (i: number): void => {
      const call = (clients[i % 4] as (typeof clients)[number]).call('Evaluate', asked);
      outcomes.push(
        call.then(
          () => 'OK',
          (fault: grpc.ServiceError) => refusalOf(fault).status,
        ),
      );
    };
    const load = setInterval(() => {
      for (let i = 0; i < 10; i++) ask(i);
    }, 5);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(inFlight).toBeGreaterThan(0);
    // The process ends when it is closed: nothing may be in flight then.
    const closed = service.server.close(60_000).then(() => inFlight);
    await new Promise((resolve) => setTimeout(resolve, 100));
    clearInterval(load);
    const started = performance.now();
    expect(await closed).toBe(0);
    expect(performance.now() - started).toBeLessThan(10_000);
    const counts = Object.groupBy(await Promise.all(outcomes), (status) => status);
    expect(Object.keys(counts).sort()).toEqual(['OK', 'UNAVAILABLE']);
    expect(counts.OK?.length).toBe(begun);
  });

  test('a call that does not end is cut off when the time to drain is over', async () => {
    const service = await start({ methods: [instead(() => new Promise(() => {}))] });
    const fault = service.client().refused('Evaluate', asked);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = performance.now();
    await service.server.close(200);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect((await fault).status).not.toBe('OK');
  });

  test('a connection does not live for ever, and its client makes another', async () => {
    const service = await start({ environment: { ADJOINT_GRPC_MAX_CONNECTION_AGE_MS: '300' } });
    const connection = session(service);
    await once(connection, 'goaway');
    const client = service.client();
    for (let i = 0; i < 30; i++) {
      await client.call('GetLimits', {});
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  });
});
