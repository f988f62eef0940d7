import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeBytes } from '../../engine/formats/tensor.ts';
import { arrayFrom, BYTES, type DType, sizeOf, type Tensor } from '../../engine/types.ts';
import { type TestApp, testApp } from './rest-harness.ts';

const HEADER = 'inference-header-content-length';

function send(app: TestApp, json: unknown, tail: Uint8Array = new Uint8Array(), length?: string) {
  const text = Buffer.from(typeof json === 'string' ? json : JSON.stringify(json));
  return app.inject({
    method: 'POST',
    url: '/v1/echo',
    payload: Buffer.concat([text, tail]),
    headers: { 'content-type': 'application/octet-stream', [HEADER]: length ?? String(text.length) },
  });
}

const tensors: fc.Arbitrary<Tensor> = fc
  .tuple(fc.constantFrom<DType>('bool', 'int32', 'int64', 'float32', 'float64'), fc.array(fc.nat(3), { maxLength: 3 }))
  .chain(([dtype, shape]) =>
    fc.uint8Array({ minLength: sizeOf(shape) * BYTES[dtype], maxLength: sizeOf(shape) * BYTES[dtype] }).map((bytes) => {
      const data = arrayFrom(dtype, new Uint8Array(sizeOf(shape)));
      // Any bits are a number but only 0 and 1 are a bool.
      new Uint8Array(data.buffer).set(dtype === 'bool' ? bytes.map((byte) => byte & 1) : bytes);
      return { type: { dtype, shape }, data };
    }),
  );

describe('raw tensors', () => {
  test('come back bit for bit, whatever their alignment', async () => {
    const app = testApp();
    await fc.assert(
      fc.asyncProperty(fc.array(tensors, { maxLength: 5 }), fc.boolean(), async (sent, nested) => {
        const values = Object.fromEntries(
          sent.map(({ type, data }, i) => {
            const size = { binary_data_size: data.byteLength };
            return [`t${i}`, nested ? { ...type, parameters: size } : { ...type, ...size }];
          }),
        );
        const tail = Buffer.concat(sent.map(encodeBytes));
        const reply = await send(app, { values, options: { encoding: 'binary' } }, tail);
        expect(reply.statusCode).toBe(200);
        expect(reply.headers['content-type']).toBe('application/octet-stream');
        const length = Number(reply.headers[HEADER]);
        expect(length % 8).toBe(0);
        const json = JSON.parse(reply.rawPayload.subarray(0, length).toString());
        const described = sent.map(({ type, data }, i) => [`t${i}`, { ...type, binary_data_size: data.byteLength }]);
        expect(json.values).toEqual(Object.fromEntries(described));
        expect(reply.rawPayload.subarray(length).equals(tail)).toBe(true);
      }),
    );
  });

  test('KServe spells dtypes its own way, and half floats are widened', async () => {
    const values = {
      a: { dtype: 'FP16', shape: [1], binary_data_size: 2 },
      b: { dtype: 'BOOL', shape: [], binary_data_size: 1 },
    };
    const reply = await send(testApp(), { values }, Uint8Array.of(0, 0x3c, 1));
    expect(reply.json().values).toEqual({ a: [1], b: true });
  });

  test('JSON tensors may stand beside them', async () => {
    const values = { a: [[1, 2]], b: { dtype: 'int32', shape: [1], binary_data_size: 4 }, c: [] };
    expect((await send(testApp(), { values }, Uint8Array.of(7, 0, 0, 0))).json().values).toEqual({
      a: [[1, 2]],
      b: [7],
      c: [],
    });
  });
});

describe('lies', () => {
  const tensor = (size: unknown) => ({ values: { x: { dtype: 'int32', shape: [2], binary_data_size: size } } });

  test.each([
    ['a size over what is left', tensor(8), 7, 'binary_data_size is 8, but 7 bytes are left', '/values/x'],
    ['bytes left over', tensor(8), 9, '9 bytes follow the JSON, but the tensors in it take 8', undefined],
    ['a size that its shape denies', tensor(4), 4, `'x' has 4 bytes, expected 8 for int32[2]`, '/values/x'],
    ['a negative size', tensor(-8), 8, 'binary_data_size must be a number of bytes', '/values/x'],
    ['a fractional size', tensor(7.5), 8, 'binary_data_size must be a number of bytes', '/values/x'],
    ['a huge size', tensor(2 ** 53 - 1), 8, 'binary_data_size is 9007199254740991, but 8 bytes are left', '/values/x'],
    ['a size in words', tensor('8'), 8, 'binary_data_size must be a number of bytes', '/values/x'],
    ['bytes for no tensor', {}, 1, '1 bytes follow the JSON, but the tensors in it take 0', undefined],
  ])('%s', async (_, json, tail, detail, pointer) => {
    const reply = await send(testApp(), json, new Uint8Array(tail));
    expect(reply.statusCode).toBe(400);
    expect(reply.json().detail).toBe(detail);
    expect(reply.json().pointer).toBe(pointer);
  });

  test.each(['3', '-1', '1e1', '0x2', '', '99999999999999999999', 'two', '2, 2'])(
    'a JSON length of %s',
    async (length) => {
      const reply = await send(testApp(), '{}', undefined, length);
      expect(reply.statusCode).toBe(400);
      expect(reply.json().detail).toContain('Inference-Header-Content-Length must be a number of bytes');
    },
  );

  test('JSON that ends early', async () => {
    const reply = await send(testApp(), '{}', undefined, '1');
    expect(reply.json()).toMatchObject({ status: 400, code: 'invalid_json' });
  });

  test('a tensor of bytes in a JSON body', async () => {
    const reply = await testApp().inject({ method: 'POST', url: '/v1/echo', payload: tensor(8) });
    expect(reply.json()).toMatchObject({
      status: 400,
      pointer: '/values/x/binary_data_size',
      detail: `'x' has an unknown field 'binary_data_size'.`,
    });
  });

  test('the header with a JSON body', async () => {
    const reply = await testApp().inject({ method: 'POST', url: '/v1/echo', payload: {}, headers: { [HEADER]: '2' } });
    expect(reply.statusCode).toBe(415);
  });
});
