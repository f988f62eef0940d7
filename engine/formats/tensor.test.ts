import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EngineError, type ErrorCode, type Where } from '../errors.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { Value } from '../program/value.ts';
import { arrayFrom, type DType, sizeOf, type Tensor, viewArray } from '../types.ts';
import {
  checkTextSize,
  decodeBytes,
  decodeTensor,
  encodeBytes,
  encodeTensor,
  shortestFloat32,
  TEXT_LIMITS,
  type TextEncoding,
  tensorToJson,
} from './tensor.ts';

const LIMITS = { ...DEFAULT_LIMITS, elements: 1000 };
const X: Where = { input: 'x', pointer: '/values/x' };

function decode(json: unknown): Value {
  return decodeTensor(json, X, LIMITS);
}

function fault(run: () => unknown): { code: ErrorCode; detail: string; pointer: string | undefined } {
  try {
    run();
  } catch (reason) {
    if (!(reason instanceof EngineError)) throw reason;
    return { code: reason.code, detail: reason.message, pointer: reason.where.pointer };
  }
  throw new Error('nothing was thrown');
}

describe('JSON forms in', () => {
  test.each([
    ['a scalar', 1.5, undefined, [], [1.5]],
    ['a bool', true, 'bool', [], [1]],
    ['a row', [1, 2, 3], undefined, [3], [1, 2, 3]],
    [
      'a matrix',
      [
        [1, 2],
        [3, 4],
      ],
      undefined,
      [2, 2],
      [1, 2, 3, 4],
    ],
    ['an empty list', [], undefined, [0], []],
    ['empty rows', [[], []], undefined, [2, 0], []],
    ['bools', [[true], [false]], 'bool', [2, 1], [1, 0]],
    [
      'strings for non-finite',
      ['NaN', 'Infinity', '-Infinity', -0],
      undefined,
      [4],
      [Number.NaN, Infinity, -Infinity, -0],
    ],
    ['flat data', { dtype: 'float32', shape: [2, 2], data: [1, 2, 3, 4] }, 'float32', [2, 2], [1, 2, 3, 4]],
    ['nested data', { dtype: 'int32', shape: [2, 1], data: [[1], [2]] }, 'int32', [2, 1], [1, 2]],
    ['data without a shape', { dtype: 'float64', data: [[1]] }, 'float64', [1, 1], [1]],
    ['data without a dtype', { shape: [1, 2], data: [1, 2] }, undefined, [1, 2], [1, 2]],
    ['a scalar in a list', { dtype: 'float64', shape: [], data: [7] }, 'float64', [], [7]],
    ['int64 as text', { dtype: 'int64', data: ['9223372036854775807', -5] }, 'int64', [2], [2n ** 63n - 1n, -5n]],
    ['bool as numbers', { dtype: 'bool', data: [0, 1, true] }, 'bool', [3], [0, 1, 1]],
    ['a KServe dtype', { dtype: 'FP32', shape: [1], data: [0.5] }, 'float32', [1], [0.5]],
    ['float16, widened', { dtype: 'float16', data: [0.1] }, 'float32', [1], [0.0999755859375]],
    ['bfloat16, widened', { dtype: 'bfloat16', data: [0.1, 'NaN'] }, 'float32', [2], [0.10009765625, Number.NaN]],
    ['base64', { dtype: 'float32', shape: [2], base64: 'AACAPwAAAMA=' }, 'float32', [2], [1, -2]],
    ['base64 of float16', { dtype: 'FP16', shape: [2], base64: 'ADwAwA==' }, 'float32', [2], [1, -2]],
    ['base64 of bfloat16', { dtype: 'BF16', shape: [2], base64: 'gD8AwA==' }, 'float32', [2], [1, -2]],
    ['base64 of nothing', { dtype: 'float64', shape: [0, 3], base64: '' }, 'float64', [0, 3], []],
  ] as const)('%s', (_, json, dtype, shape, elements) => {
    const value = decode(json);
    expect(value.dtype).toBe(dtype);
    expect(value.shape).toEqual(shape);
    expect([...value.data]).toEqual(elements);
  });

  test('a decoded value passes through', () => {
    const value = new Value('bool', [], Uint8Array.of(1));
    expect(decode(value)).toBe(value);
  });
});

describe('faults', () => {
  test.each([
    ['ragged', [[1, 2], [3]], `'x'[1] has 1 elements, expected 2 like the lists before it`, '/1'],
    [
      'ragged deeper',
      [
        [[1], [2]],
        [[3], [4, 5]],
      ],
      `'x'[1][1] has 2 elements, expected 1 like the lists before it`,
      '/1/1',
    ],
    ['a number for a row', [[1], 2], `'x'[1] is 2, expected a list of 1`, '/1'],
    ['a row for a number', [1, [2]], `'x'[1] is a list of 1, expected a number`, '/1'],
    ['null', [1, null], `'x'[1] is null; send "NaN" for a missing number`, '/1'],
    ['null alone', null, `'x' is null; send "NaN" for a missing number`, ''],
    ['a word', [[1, 'nan']], `'x'[0][1] is "nan"; the only strings are "NaN", "Infinity" and "-Infinity"`, '/0/1'],
    ['too large', [1e308 * 10], `'x'[0] is too large for a float64; send "Infinity"`, '/0'],
    ['bool among numbers', [1, true], `'x'[1] is true, expected a number`, '/1'],
    ['number among bools', [true, 1], `'x'[1] is 1, expected true or false`, '/1'],
    ['an object in a list', [{}], `'x'[0] is an object, expected a number`, '/0'],
    ['a fraction', { dtype: 'int32', data: [[1], [1.5]] }, `'x'[1][0] is 1.5, expected an integer`, '/data/1/0'],
    ['int32 over', { dtype: 'int32', data: 2 ** 31 }, `'x' is 2147483648, out of range for int32`, '/data'],
    ['int64 rounded', { dtype: 'int64', data: 2 ** 53 }, `'x' is beyond 2^53; send it as a decimal string`, '/data'],
    [
      'int64 over',
      { dtype: 'int64', data: '9223372036854775808' },
      `'x' is 9223372036854775808, out of range for int64`,
      '/data',
    ],
    ['int64 words', { dtype: 'int64', data: '0x1' }, `'x' is "0x1", expected an integer or a decimal string`, '/data'],
    ['float32 over', { dtype: 'float32', data: 1e39 }, `'x' is 1e+39, out of range for float32`, '/data'],
    ['bool 2', { dtype: 'bool', data: [2] }, `'x'[0] is 2, expected true or false`, '/data/0'],
    ['unknown field', { dtyp: 'float32', data: 1 }, `'x' has an unknown field 'dtyp'. Did you mean 'dtype'?`, '/dtyp'],
    ['no data', { dtype: 'float32' }, `'x' must be a number, a list, or an object with either 'data' or 'base64'`, ''],
    [
      'unknown dtype',
      { dtype: 'flaot32', data: 1 },
      `'x' has the dtype "flaot32", expected one of bool, int32, int64, float32, float64, float16, bfloat16. Did you mean 'float32'?`,
      '/dtype',
    ],
    [
      'a prototype for a dtype',
      { dtype: 'toString', data: 1 },
      `'x' has the dtype "toString", expected one of bool, int32, int64, float32, float64, float16, bfloat16.`,
      '/dtype',
    ],
    [
      'wrong count',
      { shape: [2, 2], data: [1, 2, 3] },
      `'x' has data of shape [3], expected [2,2] or a flat list of 4`,
      '/data',
    ],
    [
      'wrong nesting',
      { shape: [2, 2], data: [[1, 2, 3, 4]] },
      `'x' has data of shape [1,4], expected [2,2] or a flat list of 4`,
      '/data',
    ],
    ['negative size', { shape: [2, -1], data: [1] }, `'x' has the size -1 at axis 1, expected 0 to 2^31-1`, '/shape/1'],
    [
      'fractional size',
      { shape: [0.5], data: [1] },
      `'x' has the size 0.5 at axis 0, expected 0 to 2^31-1`,
      '/shape/0',
    ],
    ['no shape', { dtype: 'float32', base64: '' }, `'x' has the shape undefined, expected a list of sizes`, '/shape'],
    [
      'no dtype',
      { shape: [1], base64: '' },
      `'x' has no dtype, expected one of bool, int32, int64, float32, float64, float16, bfloat16.`,
      '/dtype',
    ],
    ['bad base64', { dtype: 'bool', shape: [1], base64: '*' }, `'x' is not valid base64`, '/base64'],
    ['short base64', { dtype: 'int32', shape: [2], base64: 'AAAA' }, `'x' has 3 bytes, expected 8 for int32[2]`, ''],
    [
      'bool byte',
      { dtype: 'bool', shape: [1, 2], base64: 'AAI=' },
      `'x'[0][1] is the byte 2, expected 0 or 1 for a bool`,
      '',
    ],
  ] as const)('%s', (_, json, detail, pointer) => {
    expect(fault(() => decode(json))).toEqual({ code: 'invalid_tensor', detail, pointer: `/values/x${pointer}` });
  });

  test.each([
    ['elements', Array(1001).fill(0), `'x' has the shape [1001], 1001 elements; the limit 'elements' is 1000`],
    [
      'declared elements',
      { shape: [65537, 65536], data: [1] },
      `'x' has the shape [65537,65536], 4295032832 elements; the limit 'elements' is 1000`,
    ],
    ['nesting', [[[[[[[[[1]]]]]]]]], `'x' has at least 9 dimensions; the limit 'rank' is 8`],
    ['rank', { shape: [1, 1, 1, 1, 1, 1, 1, 1, 1], data: 1 }, `'x' has 9 dimensions; the limit 'rank' is 8`],
  ])('%s over the limit', (_, json, detail) => {
    expect(fault(() => decode(json))).toMatchObject({ code: 'limit_exceeded', detail });
  });

  test('elements and rank at the limit are taken', () => {
    expect(decode(Array(1000).fill(0)).shape).toEqual([1000]);
    expect(decode([[[[[[[[1]]]]]]]]).shape).toHaveLength(8);
  });

  test('a list that claims to be large is refused before anything is allocated', () => {
    const list: unknown[] = Array(60_000).fill(0);
    list[0] = Array(2000).fill(0);
    expect(fault(() => decodeTensor(list, X, DEFAULT_LIMITS)).detail).toBe(`'x'[1] is 0, expected a list of 2000`);
  });

  test('bytes where alignment fails are copied', () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(Float64Array.of(Math.PI).buffer), 1);
    const value = decodeBytes('float64', [1], bytes.subarray(1), X, LIMITS);
    expect([...value.data]).toEqual([Math.PI]);
  });
});

/** Bit patterns rather than numbers, so that NaN, -0 and subnormals are as likely as the rest. */
const tensors: fc.Arbitrary<Tensor> = fc
  .tuple(
    fc.constantFrom<DType>('bool', 'int32', 'int64', 'float32', 'float64'),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
  )
  .chain(([dtype, shape]) => {
    const size = sizeOf(shape);
    const special = [0, -0, 1, -1, 0.1, 5e-324, 1e-45, 1.5e-40, 3.4028234663852886e38, Infinity, -Infinity, Number.NaN];
    const number = fc.oneof(fc.constantFrom(...special), fc.double(), fc.float(), fc.integer());
    const element: fc.Arbitrary<number | bigint | boolean> = {
      bool: fc.boolean(),
      int32: fc.integer(),
      int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      float32: number,
      float64: number,
    }[dtype];
    return fc
      .array(element, { minLength: size, maxLength: size })
      .map((elements): Tensor => ({ type: { dtype, shape }, data: arrayFrom(dtype, elements) }));
  });

describe('round trips', () => {
  const encodings: TextEncoding[] = ['nested', 'flat', 'base64'];

  test.each(encodings)('tensor to %s JSON and back is the same bits', (encoding) => {
    fc.assert(
      fc.property(tensors, (tensor) => {
        const { dtype, shape } = tensor.type;
        const json = JSON.parse(tensorToJson(tensor, encoding));
        // JSON.parse would lose digits of an int64: the text is compared instead.
        if (dtype === 'int64' && encoding !== 'base64') {
          const digits = tensorToJson(tensor, encoding).match(/-?\d+(?=[,\]]|$)/g) ?? [];
          expect(digits.slice(encoding === 'flat' ? shape.length : 0)).toEqual([...tensor.data].map(String));
          return;
        }
        const sent = encoding === 'nested' ? { dtype, data: json } : json;
        // Nested lists cannot say what lies below an empty list.
        const value = decode(encoding === 'nested' && shape.includes(0) ? { ...sent, shape, data: [] } : sent);
        expect(value.dtype).toBe(dtype);
        expect(value.shape).toEqual(shape);
        expect(bits(value.data)).toEqual(bits(tensor.data));
      }),
      { numRuns: 500 },
    );
  });

  test('raw bytes and back is the same bits', () => {
    fc.assert(
      fc.property(tensors, fc.integer({ min: 0, max: 9 }), (tensor, offset) => {
        const padded = new Uint8Array(offset + tensor.data.byteLength);
        padded.set(encodeBytes(tensor), offset);
        const value = decodeBytes(tensor.type.dtype, tensor.type.shape, padded.subarray(offset), X, LIMITS);
        expect(bits(value.data)).toEqual(bits(tensor.data));
      }),
    );
  });
});

describe('numbers out', () => {
  test.each([
    [
      'float32',
      [0.1, 1 / 3, 16777216, 1e11, 1.17549435e-38, 1e-45, 3.4028235e38, -0],
      '[0.1,0.33333334,16777216,100000000000,1.1754944e-38,1e-45,3.4028235e+38,-0]',
    ],
    [
      'float64',
      [0.1, 1 / 3, 5e-324, -0, Infinity, -Infinity, Number.NaN],
      '[0.1,0.3333333333333333,5e-324,-0,"Infinity","-Infinity","NaN"]',
    ],
    ['int64', [2n ** 63n - 1n, -(2n ** 53n) - 1n, 0n], '[9223372036854775807,-9007199254740993,0]'],
    ['bool', [true, false], '[true,false]'],
    ['int32', [-(2 ** 31), 7], '[-2147483648,7]'],
  ] as const)('%s', (dtype, elements, text) => {
    const tensor: Tensor = { type: { dtype, shape: [elements.length] }, data: arrayFrom(dtype, elements) };
    expect(tensorToJson(tensor, 'nested')).toBe(text);
  });

  test('a scalar, a matrix, and the two other encodings', () => {
    const data = Float32Array.of(1, 2, 3, 4);
    expect(tensorToJson({ type: { dtype: 'float32', shape: [] }, data: data.subarray(1, 2) }, 'nested')).toBe('2');
    const matrix: Tensor = { type: { dtype: 'float32', shape: [2, 2] }, data };
    expect(encodeTensor(matrix, 'nested')).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(encodeTensor(matrix, 'flat')).toEqual({ dtype: 'float32', shape: [2, 2], data: [1, 2, 3, 4] });
    expect(encodeTensor(matrix, 'base64')).toEqual({
      dtype: 'float32',
      shape: [2, 2],
      base64: 'AACAPwAAAEAAAEBAAACAQA==',
    });
  });

  test('no shorter decimal than the one printed reads back to the same float32', () => {
    const pattern = new Uint32Array(1);
    const float = new Float32Array(pattern.buffer);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (bit) => {
        pattern[0] = bit;
        const x = float[0] as number;
        if (!Number.isFinite(x)) return;
        const printed = shortestFloat32(x);
        expect(Math.fround(printed)).toBe(x);
        const digits = significant(printed);
        if (digits > 1) expect(Math.fround(Number(x.toPrecision(digits - 1)))).not.toBe(x);
      }),
      { numRuns: 20_000 },
    );
  });

  test('tensors that together outgrow one JSON text are refused with advice', () => {
    const { elements, bytes } = TEXT_LIMITS;
    expect(() => checkTextSize(elements, 0, 'nested')).not.toThrow();
    expect(fault(() => checkTextSize(elements + 1, 0, 'flat'))).toMatchObject({
      code: 'limit_exceeded',
      detail: `the reply has 16777217 elements, too many for JSON; ask for the encoding 'binary'`,
    });
    expect(() => checkTextSize(Infinity, bytes, 'base64')).not.toThrow();
    const tensor: Tensor = { type: { dtype: 'bool', shape: [bytes + 1] }, data: new Uint8Array(bytes + 1) };
    expect(fault(() => tensorToJson(tensor, 'base64')).code).toBe('limit_exceeded');
  });
});

function significant(x: number): number {
  const [digits] = x.toExponential().split('e') as [string];
  return digits.replace(/[-.]/g, '').length;
}

function bits(data: Value['data']): number[] {
  const normal = data instanceof Float32Array || data instanceof Float64Array ? data.map((x) => x) : data;
  return [...viewArray('bool', normal.buffer, normal.byteOffset, normal.byteLength)];
}
