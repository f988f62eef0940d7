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
  cases: [],
  samples: [
    { types: ['f64[2,3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { axes: [0, 2], correction: 1 } },
    { types: ['f32[4,3]'], params: { axis: 0, keepdims: true } },
  ],
});
