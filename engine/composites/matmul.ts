import { z } from 'zod';
import { dotGeneral } from '../ops/dot-general.ts';
import { operand, TypeMismatch } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { inverse, transpose } from '../ops/transpose.ts';
import { formatType } from '../types.ts';
import { composite } from './composite.ts';

/** The matrix product. */
export const matmul = composite({
  name: 'matmul',
  aliases: ['mm', 'bmm'],
  doc: "The matrix product `x @ y` over the last two axes, the axes before them broadcast (NumPy's rules). A vector on the left is a row, on the right a column, and its axis is dropped.",
  operands: [operand('x'), operand('y')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({}),
  build: (b, [x, y]) => {
    const { shape } = x.type;
    [x, y].forEach(({ type }, i) => {
      if (type.shape.length === 0) throw new TypeMismatch(i, 'a tensor of rank 1 or more');
    });
    const rows = shape.length > 1 ? 1 : 0;
    const columns = y.type.shape.length > 1 ? 1 : 0;
    const summed = y.type.shape.length - 1 - columns;
    const inner = shape[shape.length - 1]!;
    if (y.type.shape[summed] !== inner)
      throw new TypeMismatch(1, `size ${inner} along axis ${summed}, the last size of ${formatType(x.type)}`);
    const xBatch = shape.slice(0, shape.length - 1 - rows);
    const yBatch = y.type.shape.slice(0, summed);
    const rank = Math.max(xBatch.length, yBatch.length);
    const sizes = [xBatch, yBatch].map((sizes) => [...new Array<number>(rank - sizes.length).fill(1), ...sizes]);
    const [xSizes, ySizes] = sizes as [number[], number[]];
    const wrong = xSizes.findIndex((size, axis) => size !== 1 && ySizes[axis] !== 1 && size !== ySizes[axis]);
    if (wrong >= 0) throw new TypeMismatch(1, `leading axes that broadcast with [${xBatch}]`);

    // An axis that one side repeats is a free axis of the other: nothing is repeated, and the product stays one.
    const all = xSizes.map((_, axis) => axis);
    const shared = all.filter((axis) => xSizes[axis] === ySizes[axis]);
    const ofX = all.filter((axis) => xSizes[axis] !== ySizes[axis] && xSizes[axis] !== 1);
    const ofY = all.filter((axis) => xSizes[axis] !== ySizes[axis] && xSizes[axis] === 1);
    const pick = (from: readonly number[], axes: readonly number[]): number[] => axes.map((axis) => from[axis]!);
    const places = (axes: readonly number[], own: readonly number[]): number[] => axes.map((axis) => own.indexOf(axis));
    const xAxes = all.filter((axis) => !ofY.includes(axis));
    const yAxes = all.filter((axis) => !ofX.includes(axis));
    const left = reshape(b, x, { shape: [...pick(xSizes, xAxes), ...shape.slice(xBatch.length)] });
    const right = reshape(b, y, { shape: [...pick(ySizes, yAxes), ...y.type.shape.slice(yBatch.length)] });
    const product = dotGeneral(b, left, right, {
      lhs_contract: [xAxes.length + rows],
      rhs_contract: [yAxes.length],
      lhs_batch: places(shared, xAxes),
      rhs_batch: places(shared, yAxes),
    });
    // [shared, ofX, row, ofY, column] to the batch in order, row, column.
    const last = rank + rows;
    const now = [...shared, ...ofX, ...(rows ? [rank] : []), ...ofY, ...(columns ? [last] : [])];
    return transpose(b, product, { axes: inverse(now) });
  },
  cases: [
    {
      inputs: [
        { type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'f32[3,2]', data: [1, 2, 3, 4, 5, 6] },
      ],
      outputs: [{ type: 'f32[2,2]', data: [22, 28, 49, 64] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[2]', data: [1, 2] },
        { type: 'f64[2,2,1]', data: [1, 2, 3, 4] },
      ],
      outputs: [{ type: 'f64[2,1]', data: [5, 11] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[2,1,1,2]', data: [1, 2, 3, 4] },
        { type: 'f64[3,2,1]', data: [1, 2, 3, 4, 5, 6] },
      ],
      outputs: [{ type: 'f64[2,3,1,1]', data: [5, 11, 17, 11, 25, 39] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i64[2,2]', data: [1, 2, 3, 4] },
        { type: 'i64[2]', data: [1099511627776, -3] },
      ],
      outputs: [{ type: 'i64[2]', data: [1099511627770, 3298534883316] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f32[2,0]', data: [] },
        { type: 'f32[0,1]', data: [] },
      ],
      outputs: [{ type: 'f32[2,1]', data: [0, 0] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]', 'f64[3,4]'], params: {} },
    { types: ['f64[3]', 'f64[3]'], params: {} },
    { types: ['f64[3]', 'f64[2,3,2]'], params: {} },
    { types: ['f64[2,2,3]', 'f64[3]'], params: {} },
    { types: ['f64[2,1,2,3]', 'f64[4,3,2]'], params: {} },
    { types: ['f64[5,2,3]', 'f64[3,2]'], params: {} },
    { types: ['f64[2,3]', 'f64[1,3,2]'], params: {} },
    { types: ['f32[8,9]', 'f32[9,7]'], params: {} },
    { types: ['f64[2,0]', 'f64[0,3]'], params: {} },
    { types: ['i32[2,3]', 'i32[3,2]'], params: {} },
    { types: ['i64[2,3]', 'i64[3]'], params: {} },
  ],
});
