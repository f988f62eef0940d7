import { reduceSchema } from '../ops/axes.ts';
import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { sum } from '../ops/sum.ts';
import { composite } from './composite.ts';
import { reduceOver, rootOf } from './statistics.ts';

/** The Euclidean norm over axes. */
export const norm = composite({
  name: 'norm',
  aliases: ['reduce_euclidean_norm'],
  doc: 'The square root of the sum of squares over `axes`: the Euclidean norm of a vector, the Frobenius norm of a matrix. Where it is 0 its derivative is 0.',
  operands: [operand('x', 'float')],
  variadic: false,
  broadcast: false,
  params: reduceSchema,
  positional: ['axes'],
  build: (b, [x], params) => reduceOver(b, x, params, (axes) => rootOf(b, sum(b, mul(b, x, x), { axes }))),
  cases: [
    { inputs: [{ type: 'f32[2]', data: [3, -4] }], outputs: [{ type: 'f32', data: [5] }], source: 'numpy' },
    {
      inputs: [{ type: 'f64[2,3]', data: [1, 2, 3, 4, 5, 6] }],
      params: { axes: [0, 1] },
      outputs: [{ type: 'f64', data: [9.539392014169456] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,2]', data: [0, 0, 0, 0] }],
      params: { axis: 1, keepdims: true },
      outputs: [{ type: 'f64[2,1]', data: [0, 0] }],
      source: 'numpy',
    },
  ],
  samples: [
    { types: ['f64[3]'], params: {} },
    { types: ['f64[2,3,4]'], params: { axes: [1, 2] } },
    { types: ['f32[2,3]'], params: { axis: -1, keepdims: true } },
    { types: ['f64[2,0]'], params: { axes: 1 } },
  ],
});
