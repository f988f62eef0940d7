/** @file A session's variables as one safetensors file, up and down. The files are put together and taken apart here. */
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../engine/engine.ts';
import { METHODS } from '../../services/api/index.ts';
import type { Json } from '../tape/harness.ts';
import { type TestApp, testApp } from './rest-harness.ts';

const TYPE = 'application/vnd.safetensors';

interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array;
}

/** A file by the letter of the format. */
function fileOf(tensors: Readonly<Record<string, Tensor>>, metadata?: Readonly<Record<string, string>>): Buffer {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [end, end + data.byteLength] };
    end += data.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...Object.values(tensors).map(({ data }) => Buffer.from(data.buffer))]);
}

/** What a file holds: its header, and the bytes of each tensor. */
function readFile(file: Buffer): {
  metadata: Json;
  tensors: Record<string, { dtype: string; shape: number[]; bytes: Buffer }>;
} {
  const length = Number(file.readBigUInt64LE(0));
  const { __metadata__: metadata, ...entries } = JSON.parse(file.subarray(8, 8 + length).toString());
  const data = file.subarray(8 + length);
  const tensors = Object.entries<Json>(entries).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => [name, { dtype, shape, bytes: data.subarray(from, to) }],
  );
  return { metadata, tensors: Object.fromEntries(tensors) };
}

const W: Tensor = { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -2.5, 3e38, 1e-45) };
const D: Tensor = { dtype: 'F64', shape: [], data: Float64Array.of(Math.PI) };
const N: Tensor = { dtype: 'I64', shape: [2], data: BigInt64Array.of(2n ** 62n + 1n, -1n) };

class Session {
  readonly #app: TestApp;
  readonly path: string;

  constructor(app: TestApp, path: string) {
    this.#app = app;
    this.path = path;
  }

  async upload(file: Buffer, type = TYPE): Promise<{ status: number; body: Json }> {
    const { statusCode, body } = await this.#app.inject({
      method: 'PUT',
      url: `${this.path}/checkpoint`,
      payload: file,
      headers: { 'content-type': type },
    });
    return { status: statusCode, body: JSON.parse(body) };
  }

  async download(query = ''): Promise<{ status: number; type: unknown; file: Buffer }> {
    const { statusCode, headers, rawPayload } = await this.#app.inject({
      method: 'GET',
      url: `${this.path}/checkpoint${query}`,
    });
    return { status: statusCode, type: headers['content-type'], file: rawPayload };
  }

  async send(method: 'GET' | 'PUT' | 'POST', path: string, payload?: object): Promise<Json> {
    const { body } = await this.#app.inject({ method, url: this.path + path, ...(payload && { payload }) });
    return JSON.parse(body);
  }
}

async function open(variables: object = {}, environment: Record<string, string> = {}): Promise<Session> {
  const app = testApp({ methods: METHODS, engine: createEngine(), environment });
  const { body } = await app.inject({ method: 'POST', url: '/v1/sessions', payload: { variables } });
  return new Session(app, `/v1/sessions/${JSON.parse(body).session.session}`);
}

describe('a file that is uploaded', () => {
  test('makes variables, and comes back bit for bit', async () => {
    const session = await open();
    const { status, body } = await session.upload(fileOf({ w: W, d: D, n: N }, { not_trainable: '["n"]' }));
    expect(status, body.detail).toBe(200);
    expect(new Map(body.variables.map((variable: Json) => [variable.name, variable]))).toEqual(
      new Map([
        ['w', { name: 'w', dtype: 'float32', shape: [2, 2], trainable: true, version: 2 }],
        ['d', { name: 'd', dtype: 'float64', shape: [], trainable: true, version: 2 }],
        ['n', { name: 'n', dtype: 'int64', shape: [2], trainable: false, version: 2 }],
      ]),
    );
    const { type, file } = await session.download();
    expect(type).toBe(TYPE);
    const { metadata, tensors } = readFile(file);
    expect(metadata).toEqual({ not_trainable: '["n"]' });
    for (const [name, { dtype, shape, data }] of Object.entries({ w: W, d: D, n: N })) {
      expect(tensors[name], name).toMatchObject({ dtype, shape });
      expect(tensors[name]?.bytes.equals(Buffer.from(data.buffer)), name).toBe(true);
    }
  });

  test('assigns variables that exist, leaves others, and keeps what is trainable', async () => {
    const session = await open({
      w: {
        value: [
          [0, 0],
          [0, 0],
        ],
        trainable: false,
      },
      other: { value: 7 },
    });
    const { status } = await session.upload(fileOf({ w: W }));
    expect(status).toBe(200);
    expect((await session.send('GET', '/variables/w')).variable).toMatchObject({ trainable: false, version: 2 });
    expect((await session.send('GET', '/variables/other')).variable.version).toBe(1);
    expect((await session.send('GET', '/variables/w?encoding=base64')).value.base64).toBe(
      Buffer.from(W.data.buffer).toString('base64'),
    );
  });

  test.each<[string, Buffer, object]>([
    ['with a tensor of another shape', fileOf({ a: D, w: D }), { code: 'type_mismatch', input: 'w' }],
    ['with a name that is none', fileOf({ a: D, '1 2': D }), { code: 'invalid_tensor', input: '1 2' }],
    ['that is cut off', fileOf({ a: D }).subarray(0, -1), { code: 'invalid_tensor' }],
    ['that is no file', Buffer.from('hello'), { code: 'invalid_tensor' }],
    ['whose list is none', fileOf({ a: D }, { not_trainable: 'n' }), { code: 'invalid_tensor' }],
  ])('%s changes nothing', async (_, file, expected) => {
    const session = await open({ w: { value: [1, 2] } });
    const { status, body } = await session.upload(file);
    expect(status).toBe(400);
    expect(body).toMatchObject(expected);
    const { variables } = await session.send('GET', '/variables');
    expect(variables.map(({ name, version }: Json) => [name, version])).toEqual([['w', 1]]);
    expect((await session.upload(fileOf({ a: D }))).status).toBe(200);
  });

  test('has a type of its own, and no more bytes than a body may have', async () => {
    const session = await open({}, { ADJOINT_BODY_LIMIT: '2048' });
    expect((await session.upload(fileOf({ a: D }), 'application/octet-stream')).status).toBe(415);
    const big = (size: number): Tensor => ({ dtype: 'F32', shape: [size], data: new Float32Array(size) });
    const header = fileOf({ a: big(0) }).length;
    const fits = (2048 - header - 8) >> 2;
    expect((await session.upload(fileOf({ a: big(fits) }))).status).toBe(200);
    expect((await session.upload(fileOf({ b: big(600) }))).status).toBe(413);
  });
});

describe('a file that is downloaded', () => {
  test('has the variables that are named, and no metadata where all are trainable', async () => {
    const session = await open({ a: { value: 1 }, b: { value: [2, 3] }, c: { value: 4, trainable: false } });
    const { metadata, tensors } = readFile((await session.download('?names=b,a')).file);
    expect(metadata).toBeUndefined();
    expect(Object.keys(tensors).sort()).toEqual(['a', 'b']);
    expect((await session.download('?names=a,zz')).status).toBe(404);
  });

  test('goes into another session, which then computes the same', async () => {
    const first = await open({ w: { value: [0.1, 0.2, 0.3] } });
    const minimized = { graph: 'loss = sum((w - 1) ** 4)', optimizer: { name: 'adam' }, steps: 7 };
    await first.send('POST', '/minimize', minimized).catch(() => undefined);
    const second = await open();
    expect((await second.upload((await first.download()).file)).status).toBe(200);
    for (const name of ['w', 'adam%2Fm%2Fw', 'adam%2Fstep']) {
      const [a, b] = [await first.send('GET', `/variables/${name}`), await second.send('GET', `/variables/${name}`)];
      expect(b.value).toEqual(a.value);
      expect(b.variable.trainable).toBe(a.variable.trainable);
    }
  });
});
