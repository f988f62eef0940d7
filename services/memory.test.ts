import { expect, test } from 'vitest';
import { allocate, discard } from './memory.ts';

const MIB = 2 ** 20;

test('what is given back is used again for what is about as large, and no view of it is left', () => {
  const first = allocate(3 * MIB);
  const view = new Uint8Array(first).fill(7);
  discard(first);
  expect(view).toHaveLength(0);
  expect(() => new Uint8Array(first)).toThrow(TypeError);
  expect(new Uint8Array(allocate(MIB))[0]).toBe(0);
  const again = new Uint8Array(allocate(3 * MIB - 100));
  expect([again.byteLength, again[0]]).toEqual([3 * MIB, 7]);
  expect(new Uint8Array(allocate(3 * MIB))[0]).toBe(0);
});

test('small buffers are left to the collector', () => {
  const small = allocate(1000);
  discard(small);
  expect(small.byteLength).toBe(1000);
});

test('only so many bytes wait to be used again, and what waited longest goes first', () => {
  const sizes = Array.from({ length: 10 }, (_, i) => (8 + 4 * i) * MIB);
  for (const size of sizes) {
    const buffer = allocate(size);
    new Uint8Array(buffer).fill(9);
    discard(buffer);
  }
  const isUsedAgain = sizes.toReversed().map((size) => new Uint8Array(allocate(size))[0] === 9);
  expect(isUsedAgain).toEqual([true, ...Array.from({ length: 9 }, () => false)]);
  const huge = allocate(100 * MIB);
  discard(huge);
  expect(huge.byteLength).toBe(0);
});
