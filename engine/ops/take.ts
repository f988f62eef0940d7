import { z } from 'zod';
import { indexAt } from '../compile/index-space.ts';
import { repeat } from '../transform/vmap.ts';
import type { TensorType } from '../types.ts';
import { axisSchema, normalAxis } from './axes.ts';
import { moveAxis, type PickParams, pickedShape, pickParams, wrappedIndex } from './indexing.ts';
import { defineOp, type Op, operand, ParamMismatch } from './op.ts';
import { scatterAdd } from './scatter-add.ts';

/** The elements of `x` at positions along an axis. */
export const take: Op<PickParams> = defineOp({
  name: 'take',
  aliases: ['gather', 'index_select'],
  family: 'indexing',
  doc: "The elements of `x` at positions `indices` along `axis`, which the axes of `indices` take the place of. Negative positions count from the end; those out of range are clamped. The first `batch_dims` (0) axes of both run together, as in TensorFlow's `gather`.",
  operands: [operand('x', 'any', false), operand('indices', 'integer')],
  variadic: false,
  broadcast: false,
  params: pickParams,
  surface: {
    params: z.strictObject({
      axis: axisSchema.optional(),
      batch_dims: z.number().int().min(0).max(7).optional(),
    }),
    positional: ['axis'],
    build: (b, [x, indices], { axis, batch_dims = 0 }) => {
      const rank = x.type.shape.length;
      const along = axis ?? (rank === 1 ? 0 : undefined);
      if (along === undefined)
        throw new ParamMismatch(
          'axis',
          `take needs an axis for rank ${rank}: 0 for rows, or ravel(x) for all elements`,
        );
      return take(b, x, indices, { axis: normalAxis(along, rank), batch_dims });
    },
  },
  type: ([x, indices], params) => [
    { dtype: x!.dtype, shape: pickedShape(x as TensorType, indices as TensorType, params) },
  ],
  jvp: 'linear',
  transpose: [(b, ct, { x: [x, indices], params }) => scatterAdd(b, b.full(0, x.type), indices, ct, params), null],
  batch: (b, { x: [x, indices], params: { axis, batch_dims } }, [xBatched, indicesBatched], size) => {
    if (batch_dims === 0 && !indicesBatched)
      return { y: [take(b, x, indices, { axis: axis + 1, batch_dims })], batched: [true] };
    if (batch_dims === 0 && !xBatched)
      return { y: [moveAxis(b, take(b, x, indices, { axis, batch_dims }), axis, 0)], batched: [true] };
    const rows = xBatched ? x : repeat(b, x, size);
    const places = indicesBatched ? indices : repeat(b, indices, size);
    return { y: [take(b, rows, places, { axis: axis + 1, batch_dims: batch_dims + 1 })], batched: [true] };
  },
  simplify: (b, { x: [x] }, y) => {
    const value = b.uniform(x);
    return value === undefined ? null : b.full(value, y);
  },
  lower: {
    kind: 'map',
    element: (e, read, at, { x: [x, indices], params: { axis, batch_dims } }) => {
      const { shape } = x as TensorType;
      const places = (indices as TensorType).shape;
      const axes = at.axes();
      const after = axis + places.length - batch_dims;
      const index = read(1, indexAt(e, places, [...axes.slice(0, batch_dims), ...axes.slice(axis, after)]));
      const along = wrappedIndex(e, index, shape[axis]!);
      return read(0, indexAt(e, shape, [...axes.slice(0, axis), along, ...axes.slice(after)]));
    },
  },
  cases: [
    {
      inputs: [
        { type: 'f32[3]', data: [10, 20, 30] },
        { type: 'i32[3]', data: [2, 0, -1] },
      ],
      outputs: [{ type: 'f32[3]', data: [30, 10, 30] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[3,2]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'i64[2,2]', data: [1, 1, -9, 9] },
      ],
      params: { axis: 0 },
      outputs: [{ type: 'f64[2,2,2]', data: [3, 4, 3, 4, 1, 2, 5, 6] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i32[2,3]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'i32[2,2]', data: [0, 2, 1, -1] },
      ],
      params: { axis: 1, batch_dims: 1 },
      outputs: [{ type: 'i32[2,2]', data: [1, 3, 5, 6] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[4]', 'i32[3]'], params: { axis: 0, batch_dims: 0 } },
    { types: ['f64[2,3,2]', 'i32[2,2]'], params: { axis: 1, batch_dims: 0 } },
    { types: ['f64[2,3]', 'i64'], params: { axis: 1, batch_dims: 0 } },
    { types: ['f32[2,3,4]', 'i32[2,2]'], params: { axis: 2, batch_dims: 1 } },
    { types: ['f64[2,2,3,2]', 'i64[2,2,4]'], params: { axis: 2, batch_dims: 2 } },
    { types: ['f64[0,2]', 'i32[0]'], params: { axis: 0, batch_dims: 0 } },
    { types: ['f64[3]', 'i32[2,0]'], params: { axis: 0, batch_dims: 0 } },
    { types: ['bool[3]', 'i32[2]'], params: { axis: 0, batch_dims: 0 } },
    { types: ['i64[3]', 'i32[2]'], params: { axis: 0, batch_dims: 0 } },
  ],
});
