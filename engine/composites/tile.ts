import { z } from 'zod';
import { broadcastTo } from '../ops/broadcast-to.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { shapeOrSizeSchema, sizesFrom } from '../ops/sizes.ts';
import { sizeOf } from '../types.ts';
import { composite } from './composite.ts';

/** A tensor laid side by side with itself. */
export const tile = composite({
  name: 'tile',
  doc: '`x` laid side by side with itself, as many times along each axis as `reps` says; the shorter of `reps` and the shape is filled up with ones in front.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ reps: shapeOrSizeSchema.optional(), multiples: shapeOrSizeSchema.optional() }),
  positional: ['reps'],
  build: (b, [x], { reps, multiples }) => {
    const given = reps ?? multiples;
    if (given === undefined) throw new ParamMismatch('reps', 'tile needs reps, how often along each axis');
    const counts = sizesFrom(given);
    const rank = Math.max(counts.length, x.type.shape.length);
    const filled = (list: readonly number[]): number[] => [...new Array<number>(rank - list.length).fill(1), ...list];
    const repeats = filled(counts);
    let y = reshape(b, x, { shape: filled(x.type.shape) });
    repeats.forEach((count, axis) => {
      if (count === 1) return;
      const { shape } = y.type;
      const [before, after] = [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
      const rows = reshape(b, y, { shape: [before, 1, after] });
      const wanted = shape.map((size, other) => (other === axis ? size * count : size));
      y = reshape(b, broadcastTo(b, rows, { shape: [before, count, after] }), { shape: wanted });
    });
    return y;
  },
  cases: [
    {
      inputs: [{ type: 'f32[2]', data: [1, 2] }],
      params: { reps: [2, 2] },
      outputs: [{ type: 'f32[2,4]', data: [1, 2, 1, 2, 1, 2, 1, 2] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,2]', data: [1, 2, 3, 4] }],
      params: { reps: 2 },
      outputs: [{ type: 'i32[2,4]', data: [1, 2, 1, 2, 3, 4, 3, 4] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[1]', data: [1] }],
      params: { reps: 0 },
      outputs: [{ type: 'f64[0]', data: [] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: { reps: [2, 1] } },
    { types: ['f64[2]'], params: { reps: [2, 3] } },
    { types: ['f64[2,2]'], params: { reps: 2 } },
    { types: ['f32[2]'], params: { reps: 0 } },
    { types: ['i32'], params: { multiples: [2] } },
  ],
});
