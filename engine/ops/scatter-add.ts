import { z } from 'zod';
import type { Routine } from '../compile/routine.ts';
import { poll } from '../interrupt.ts';
import { withBatch } from '../transform/vmap.ts';
import { formatType, sameShape, sizeOf, type TensorType } from '../types.ts';
import { axisSchema, normalAxis } from './axes.ts';
import { extents, type PickParams, pickedShape, pickParams, wrapIndex } from './indexing.ts';
import { defineOp, type Form, type Op, operand, TypeMismatch } from './op.ts';
import { take } from './take.ts';

/** `x` with updates added at positions along an axis. */
export const scatterAdd: Op<PickParams> = defineOp({
  name: 'scatter_add',
  aliases: ['index_add'],
  family: 'indexing',
  doc: '`x` with `updates`, shaped like `take(x, indices, axis)`, added at positions `indices` along `axis` (0): updates at the same position add up. Negative positions count from the end; those out of range are clamped.',
  operands: [operand('x'), operand('indices', 'integer'), operand('updates')],
  variadic: false,
  broadcast: false,
  params: pickParams,
  surface: {
    params: z.strictObject({ axis: axisSchema.optional(), batch_dims: z.number().int().min(0).max(7).optional() }),
    positional: ['axis'],
    build: (b, [x, indices, updates], { axis = 0, batch_dims = 0 }) =>
      scatterAdd(b, x, indices, updates, { axis: normalAxis(axis, x.type.shape.length), batch_dims }),
  },
  type: (types, params) => {
    const [x, indices, updates] = types as readonly [TensorType, TensorType, TensorType];
    if (x.dtype === 'bool') throw new TypeMismatch(0, 'a number tensor');
    const expected = { dtype: x.dtype, shape: pickedShape(x, indices, params) };
    if (updates.dtype !== x.dtype || !sameShape(updates.shape, expected.shape))
      throw new TypeMismatch(2, formatType(expected));
    return [x];
  },
  jvp: 'linear',
  transpose: [(_, ct) => ct, null, (b, ct, { x: [, indices], params }) => take(b, ct, indices, params)],
  batch: (
    b,
    { x: [x, indices, updates], params: { axis, batch_dims } },
    [xBatched, indicesBatched, updatesBatched],
    size,
  ) => {
    const shared = batch_dims === 0 && !indicesBatched;
    const places = shared ? indices : withBatch(b, indices, indicesBatched!, size);
    const params = { axis: axis + 1, batch_dims: shared ? 0 : batch_dims + 1 };
    const rows = withBatch(b, x, xBatched!, size);
    return { y: [scatterAdd(b, rows, places, withBatch(b, updates, updatesBatched!, size), params)], batched: [true] };
  },
  simplify: (b, { x: [x, , updates] }) => (b.uniform(updates) === 0 || updates.type.shape.includes(0) ? x : null),
  lower: { kind: 'routine', routine },
  cases: [
    {
      inputs: [
        { type: 'f32[3]', data: [1, 2, 3] },
        { type: 'i32[4]', data: [2, 0, 2, -1] },
        { type: 'f32[4]', data: [10, 20, 30, 40] },
      ],
      outputs: [{ type: 'f32[3]', data: [21, 2, 83] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[2,3]', data: [0, 0, 0, 0, 0, 0] },
        { type: 'i64[2]', data: [0, 9] },
        { type: 'f64[2,2]', data: [1, 2, 3, 4] },
      ],
      params: { axis: 1 },
      outputs: [{ type: 'f64[2,3]', data: [1, 0, 2, 3, 0, 4] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i32[2]', data: [2147483647, 0] },
        { type: 'i32[1]', data: [0] },
        { type: 'i32[1]', data: [1] },
      ],
      outputs: [{ type: 'i32[2]', data: [-2147483648, 0] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[4]', 'i32[3]', 'f64[3]'], params: { axis: 0, batch_dims: 0 } },
    { types: ['f64[2,3,2]', 'i32[2,2]', 'f64[2,2,2,2]'], params: { axis: 1, batch_dims: 0 } },
    { types: ['f64[2,3]', 'i64', 'f64[2]'], params: { axis: 1, batch_dims: 0 } },
    { types: ['f32[2,3,4]', 'i32[2,2]', 'f32[2,3,2]'], params: { axis: 2, batch_dims: 1 } },
    { types: ['f64[0,2]', 'i32[0]', 'f64[0,2]'], params: { axis: 0, batch_dims: 0 } },
    { types: ['i32[3]', 'i64[2]', 'i32[2]'], params: { axis: 0, batch_dims: 0 } },
    { types: ['i64[3,1]', 'i32[2]', 'i64[2,1]'], params: { axis: 0, batch_dims: 0 } },
  ],
});

/** Adds in the order of the positions, each sum rounded to the dtype. */
function routine({ x, params }: Form<PickParams>): Routine {
  const [operand, indices, updates] = x as readonly [TensorType, TensorType, TensorType];
  const { outer, middle, size, inner } = extents(operand.shape, params);
  const picks = sizeOf(indices.shape.slice(params.batch_dims));
  return {
    name: 'scatter_add',
    sizes: { outer, middle, size, inner, picks },
    flops: sizeOf(updates.shape),
    run: (inputs, outputs) => {
      // Bigints add like numbers: one loop serves all dtypes.
      const [from, places, added] = inputs as unknown as readonly [
        Float64Array,
        ArrayLike<number | bigint>,
        Float64Array,
      ];
      const sums = outputs[0] as Float64Array;
      sums.set(from);
      for (let batch = 0; batch < outer; batch++)
        for (let block = 0; block < middle; block++)
          for (let pick = 0; pick < picks; pick++) {
            poll(inner);
            const place = wrapIndex(Number(places[batch * picks + pick]), size);
            const target = ((batch * middle + block) * size + place) * inner;
            const source = ((batch * middle + block) * picks + pick) * inner;
            for (let i = 0; i < inner; i++) sums[target + i] = sums[target + i]! + added[source + i]!;
          }
    },
  };
}
