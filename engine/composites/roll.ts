import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { operand, ParamMismatch } from '../ops/op.ts';
import { reshape } from '../ops/reshape.ts';
import { composite } from './composite.ts';
import { flattened, rolled } from './shaping.ts';

const distance = z
  .number()
  .int()
  .min(-(2 ** 31 - 1))
  .max(2 ** 31 - 1);

/** Elements moved around along axes. */
export const roll = composite({
  name: 'roll',
  doc: 'The elements moved on by `shift` along `axis`, those past the end coming in at the start; several of both are applied in turn. Without `axis` the elements move in row-major order.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({
    shift: z.union([distance, z.array(distance).max(8).readonly()]),
    axis: z.union([axisSchema, z.array(axisSchema).max(8).readonly(), z.null()]).optional(),
  }),
  positional: ['shift', 'axis'],
  build: (b, [x], { shift, axis }) => {
    const shifts = [shift].flat();
    if (axis === undefined || axis === null) {
      const total = shifts.reduce((sum, one) => sum + one, 0);
      return reshape(b, rolled(b, flattened(b, x), total, 0), { shape: x.type.shape });
    }
    const axes = [axis].flat();
    const count = Math.max(shifts.length, axes.length);
    if ([shifts, axes].some(({ length }) => length !== count && length !== 1))
      throw new ParamMismatch('shift', `shift [${shifts}] and axis [${axes}] must have the same length`);
    let y = x;
    for (let i = 0; i < count; i++) {
      const along = normalAxis(axes[i] ?? axes[0]!, x.type.shape.length);
      y = rolled(b, y, shifts[i] ?? shifts[0]!, along);
    }
    return y;
  },
  cases: [
    {
      inputs: [{ type: 'f32[5]', data: [1, 2, 3, 4, 5] }],
      params: { shift: 2 },
      outputs: [{ type: 'f32[5]', data: [4, 5, 1, 2, 3] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { shift: -1 },
      outputs: [{ type: 'i32[2,3]', data: [2, 3, 4, 5, 6, 1] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { shift: [1, -4], axis: [0, 1] },
      outputs: [{ type: 'f64[2,3]', data: [5, 6, 4, 2, 3, 1] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[5]'], params: { shift: 2 } },
    { types: ['f64[2,3]'], params: { shift: -1, axis: 1 } },
    { types: ['f64[2,3]'], params: { shift: 1 } },
    { types: ['f32[3,4]'], params: { shift: [1, -2], axis: [0, 1] } },
    { types: ['i32[0]'], params: { shift: 1, axis: 0 } },
  ],
});
