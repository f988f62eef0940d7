import { expect, test } from 'vitest';
import { Value } from '../program/value.ts';
import { formatType, parseType, type TensorType } from '../types.ts';
import { batchesOf } from './batches.ts';

const ROWS = 10;
const x = new Value(
  'float64',
  [ROWS, 2],
  Float64Array.from({ length: 2 * ROWS }, (_, i) => i),
);
const wide = new Value(
  'float32',
  [ROWS, 20],
  Float32Array.from({ length: 20 * ROWS }, (_, i) => i),
);
const t = new Value(
  undefined,
  [ROWS],
  Float64Array.from({ length: ROWS }, (_, i) => i),
);
const tensors = new Map(Object.entries({ x, wide, t }));

function typeOf(batch: number): (name: string) => TensorType {
  const types = { x: `f64[${batch},2]`, wide: `f32[${batch},20]`, t: `i32[${batch}]` };
  return (name) => parseType(types[name as keyof typeof types]) as TensorType;
}

/** The rows that a batch consists of, by each of its tensors. */
function rowsOf([a, b, c]: readonly ArrayLike<number | bigint>[]): number[] {
  const rows = Array.from(c!, Number);
  rows.forEach((row, i) => {
    expect([a![2 * i], a![2 * i + 1]]).toEqual([2 * row, 2 * row + 1]);
    expect(b![20 * i + 19]).toBe(20 * row + 19);
  });
  return rows;
}

test.each([2, 3, 7, 10])('in order, %i rows at a time, around the end', (batch) => {
  const at = batchesOf({ tensors, batch }, typeOf(batch));
  for (let step = 0; step < 12; step++)
    expect(rowsOf(at(step))).toEqual(Array.from({ length: batch }, (_, i) => (step * batch + i) % ROWS));
});

test('rows that lie together are not copied', () => {
  const at = batchesOf({ tensors, batch: 5 }, typeOf(5));
  expect(at(1)[0]?.buffer).toBe(x.data.buffer);
  expect(formatType(typeOf(5)('t'))).toBe('i32[5]');
});

test.each([2, 3, 7, 10])('shuffled, %i rows at a time, every row is seen once in each epoch', (batch) => {
  const at = batchesOf({ tensors, batch, seed: 3 }, typeOf(batch));
  const seen = Array.from({ length: 3 * ROWS }, (_, step) => rowsOf(at(step))).flat();
  const epochs = Array.from({ length: batch * 3 }, (_, i) => seen.slice(i * ROWS, (i + 1) * ROWS));
  for (const epoch of epochs) expect(new Set(epoch).size).toBe(ROWS);
  expect(epochs[0]).not.toEqual(epochs[1]);
});

test('where a step reads follows from its number alone', () => {
  const through = batchesOf({ tensors, batch: 4, seed: 3 }, typeOf(4));
  const rows = Array.from({ length: 9 }, (_, step) => rowsOf(through(step)));
  for (const step of [8, 0, 5, 2])
    expect(rowsOf(batchesOf({ tensors, batch: 4, seed: 3 }, typeOf(4))(step))).toEqual(rows[step]);
  for (const step of [8, 0, 5, 2]) expect(rowsOf(through(step))).toEqual(rows[step]);
});
