import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { moveAxis } from '../ops/indexing.ts';
import { operand, TypeMismatch } from '../ops/op.ts';
import { take } from '../ops/take.ts';
import { composite } from './composite.ts';

/** One position along an axis for every element of the result. */
export const takeAlongAxis = composite({
  name: 'take_along_axis',
  aliases: ['take_along_dim', 'gather_elements'],
  doc: 'The elements of `x` at positions `indices` along `axis` (-1), one for each element of the result, which has the shape of `indices`; all other axes are broadcast. Negative positions count from the end; those out of range are clamped.',
  operands: [operand('x', 'any', false), operand('indices', 'integer')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ axis: axisSchema.optional() }),
  positional: ['axis'],
  build: (b, [x, indices], { axis = -1 }) => {
    const rank = x.type.shape.length;
    const along = normalAxis(axis, rank);
    if (indices.type.shape.length !== rank) throw new TypeMismatch(1, `a tensor of rank ${rank}`);
    const [rows, places] = [x, indices].map((side) => moveAxis(b, side, along, rank - 1));
    const batch = rows!.type.shape.slice(0, -1).map((size, i) => {
      const other = places!.type.shape[i]!;
      if (size !== other && size !== 1 && other !== 1)
        throw new TypeMismatch(1, `sizes that broadcast with [${x.type.shape}] along all axes but ${along}`);
      return size === 1 ? other : size;
    });
    const [left, right] = [rows!, places!].map((side) =>
      broadcastTo(b, side, { shape: [...batch, side.type.shape.at(-1)!] }),
    );
    return moveAxis(b, take(b, left!, right!, { axis: rank - 1, batch_dims: rank - 1 }), rank - 1, along);
  },
  cases: [
    {
      inputs: [
        { type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'i32[2,2]', data: [2, 0, -1, 1] },
      ],
      outputs: [{ type: 'f32[2,2]', data: [3, 1, 6, 5] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[3,2]', data: [1, 2, 3, 4, 5, 6] },
        { type: 'i64[1,2]', data: [1, 9] },
      ],
      params: { axis: 0 },
      outputs: [{ type: 'f64[1,2]', data: [3, 6] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]', 'i32[2,2]'], params: {} },
    { types: ['f64[3,2]', 'i64[4,2]'], params: { axis: 0 } },
    { types: ['f32[2,1,3]', 'i32[1,2,1]'], params: { axis: 2 } },
    { types: ['f64[3]', 'i32[2]'], params: {} },
  ],
});
