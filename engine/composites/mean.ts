import { reduceSchema } from '../ops/axes.ts';
import { operand } from '../ops/op.ts';
import { composite } from './composite.ts';
import { meanOf, reduceOver } from './statistics.ts';

/** The mean over axes. */
export const mean = composite({
  name: 'mean',
  aliases: ['reduce_mean'],
  doc: 'The sum over `axes` divided by the number of elements; NaN where there are none.',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params: reduceSchema,
  positional: ['axes'],
  build: (b, [x], params) => reduceOver(b, x, params, (axes) => meanOf(b, x, axes)),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      params: { axes: [0, 1] },
      outputs: [{ type: 'f32', data: [1.8333334] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      params: { axis: 0 },
      outputs: [{ type: 'f32[3]', data: [2, -3, 6.5] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,0]', data: [] }],
      params: { axes: 1, keepdims: true },
      outputs: [{ type: 'f64[2,1]', data: [NaN, NaN] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[2,3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { axes: [0, -1], keepdims: true } },
    { types: ['f32[2,3]'], params: { axis: 1 } },
    { types: ['f64[2,0]'], params: { axes: 0 } },
    { types: ['f64'], params: {} },
  ],
});
