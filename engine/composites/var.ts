import { z } from 'zod';
import { reduceSchema } from '../ops/axes.ts';
import { operand } from '../ops/op.ts';
import { composite } from './composite.ts';
import { reduceOver, varianceOf } from './statistics.ts';

const correction = z
  .number()
  .min(0)
  .max(2 ** 31 - 1)
  .optional();

/** What the params of a spread are beside those of a reduction. */
export const spreadSchema = reduceSchema.extend({ correction, ddof: correction });

/** The variance over axes. */
export const variance = composite({
  name: 'var',
  aliases: ['variance', 'reduce_variance'],
  doc: 'The squared distances from the mean over `axes`, summed and divided by their number less `correction` (0).',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params: spreadSchema,
  positional: ['axes'],
  build: (b, [x], { correction, ddof, ...params }) =>
    reduceOver(b, x, params, (axes) => varianceOf(b, x, axes, correction ?? ddof ?? 0)),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      outputs: [{ type: 'f32', data: [18.805555] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { axes: 1, ddof: 1 },
      outputs: [{ type: 'f64[2]', data: [1, 1] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[1]', data: [5] }],
      params: { ddof: 1 },
      outputs: [{ type: 'f64', data: [NaN] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { axes: [0, 2], correction: 1 } },
    { types: ['f32[2,3]'], params: { axis: -1, ddof: 1, keepdims: true } },
    { types: ['f64[0,2]'], params: { axes: 1 } },
  ],
});
