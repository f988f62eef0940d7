import { operand } from '../ops/op.ts';
import { composite } from './composite.ts';
import { reduceOver, rootOf, varianceOf } from './statistics.ts';
import { spreadSchema } from './var.ts';

/** The standard deviation over axes. */
export const std = composite({
  name: 'std',
  aliases: ['reduce_std'],
  doc: 'The square root of the variance over `axes`, with `correction` (0). Where it is 0 its derivative is 0.',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params: spreadSchema,
  positional: ['axes'],
  build: (b, [x], { correction, ddof, ...params }) =>
    reduceOver(b, x, params, (axes) => rootOf(b, varianceOf(b, x, axes, correction ?? ddof ?? 0))),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      outputs: [{ type: 'f32', data: [4.3365374] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { axes: [1], ddof: 1 },
      outputs: [{ type: 'f64[2]', data: [1, 1] }],
      source: 'numpy',
    },
    { inputs: [{ type: 'f64[2]', data: [2, 2] }], outputs: [{ type: 'f64', data: [0] }], source: 'numpy' },
  ],
  samples: [
    { types: ['f64[2,3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { axes: [0, 2], correction: 1 } },
    { types: ['f32[4,3]'], params: { axis: 0, keepdims: true } },
  ],
});
