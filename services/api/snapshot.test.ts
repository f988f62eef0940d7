import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Value } from '../../engine/program/value.ts';
import { fingerprintOf, fromSnapshot, toSnapshot } from './snapshot.ts';

/** Typed arrays that lie in a larger buffer, as the engine's do. */
const elements = fc
  .tuple(
    fc.constantFrom(Uint8Array, Int32Array, BigInt64Array, Float32Array, Float64Array),
    fc.uint8Array({ maxLength: 40 }),
    fc.nat(3),
  )
  .map(([Elements, bytes, before]) => {
    const width = Elements.BYTES_PER_ELEMENT;
    const length = Math.floor(bytes.length / width);
    const buffer = new ArrayBuffer((before + length + 1) * width);
    new Uint8Array(buffer).set(bytes.subarray(0, length * width), before * width);
    return new Elements(buffer, before * width, length);
  });
const shape = fc.array(fc.nat(5), { maxLength: 3 });
const dtype = fc.constantFrom('bool', 'int32', 'int64', 'float32', 'float64');
const tensor = fc
  .tuple(dtype, shape, elements)
  .map(([name, dimensions, data]) => ({ type: { dtype: name, shape: dimensions }, data }));
const value = fc
  .tuple(fc.option(dtype, { nil: undefined }), shape, elements)
  .map(([name, dimensions, data]) => new Value(name as Value['dtype'], dimensions, data));
const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'shape'));

const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(fc.string(), fc.double(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null), fc.constant(-0)),
    fc.oneof(tensor, value, elements),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

describe('snapshots', () => {
  test('read back as what was written', () => {
    fc.assert(
      fc.property(tree, (written) => {
        // Not toStrictEqual: it asks an object's member 'constructor' what class it is of.
        expect(isDeepStrictEqual(fromSnapshot(toSnapshot(written)), written)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('read from any place in memory', () => {
    const written = { x: { type: { dtype: 'float64', shape: [2] }, data: new Float64Array([-0, Number.NaN]) } };
    const bytes = toSnapshot(written);
    for (let shift = 0; shift < 8; shift++) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect(fromSnapshot(moved.subarray(shift))).toStrictEqual(written);
    }
  });

  test('hold the elements of a tensor, not the buffer that they lie in', () => {
    const data = new Float32Array(new ArrayBuffer(2 ** 20), 1024, 2);
    expect(toSnapshot({ type: {}, data }).length).toBeLessThan(100);
  });
});

describe('fingerprints', () => {
  const request = { values: { x: [1, 2], y: { dtype: 'float32', data: [1] } }, graph: 'z = x' };

  test('do not know the order of members', () => {
    const other = { graph: 'z = x', values: { y: { data: [1], dtype: 'float32' }, x: [1, 2] } };
    expect(fingerprintOf('M', other)).toBe(fingerprintOf('M', request));
  });

  test.each<[string, string, unknown]>([
    ['the method', 'N', request],
    ['a number', 'M', { ...request, values: { ...request.values, x: [1, 3] } }],
    ['the order of a list', 'M', { ...request, values: { ...request.values, x: [2, 1] } }],
    ['a member', 'M', { ...request, version: 1 }],
  ])('know %s', (_, method, other) => {
    expect(fingerprintOf(method, other)).not.toBe(fingerprintOf('M', request));
  });

  test('know every byte and the type of raw tensors', () => {
    const of = (data: Value['data']) => fingerprintOf('M', { values: { x: new Value('float64', [1], data) } });
    expect(of(new Float64Array([1]))).toBe(of(new Float64Array([0, 1, 2]).subarray(1, 2)));
    expect(of(new Float64Array([1]))).not.toBe(of(new Float64Array([1 + Number.EPSILON])));
    expect(of(new Uint8Array(8))).not.toBe(of(new Float64Array(1)));
  });
});
