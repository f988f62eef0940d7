import { z } from 'zod';
import { axisSchema, normalAxis } from '../ops/axes.ts';
import { operand } from '../ops/op.ts';
import { transpose } from '../ops/transpose.ts';
import { composite } from './composite.ts';

/** Two axes exchanged. */
export const swapaxes = composite({
  name: 'swapaxes',
  aliases: ['matrix_transpose', 'swapdims'],
  doc: '`x` with `axis1` and `axis2` exchanged; by default the last two, which transposes matrices.',
  operands: [operand('x', 'any')],
  variadic: false,
  broadcast: false,
  params: z.strictObject({ axis1: axisSchema.optional(), axis2: axisSchema.optional() }),
  positional: ['axis1', 'axis2'],
  build: (b, [x], { axis1 = -2, axis2 = -1 }) => {
    const axes = x.type.shape.map((_, axis) => axis);
    const [first, second] = [normalAxis(axis1, axes.length, 'axis1'), normalAxis(axis2, axes.length, 'axis2')];
    [axes[first], axes[second]] = [second, first];
    return transpose(b, x, { axes });
  },
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      outputs: [{ type: 'f32[3,2]', data: [1, 4, 2, 5, 3, 6] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,1,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { axis1: 0, axis2: -1 },
      outputs: [{ type: 'i32[3,1,2]', data: [1, 4, 2, 5, 3, 6] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3,4]'], params: {} },
    { types: ['f64[2,3,4]'], params: { axis1: 0, axis2: -1 } },
    { types: ['i64[2,2]'], params: { axis1: 1, axis2: 1 } },
  ],
});
