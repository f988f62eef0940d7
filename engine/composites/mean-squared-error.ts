import { reduceSchema } from '../ops/axes.ts';
import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { sub } from '../ops/sub.ts';
import { type Composite, composite } from './composite.ts';
import { meanOf, reduceOver } from './statistics.ts';

/** The mean of squared differences. */
export const meanSquaredError: Composite = composite({
  name: 'mean_squared_error',
  aliases: ['mse', 'mse_loss'],
  doc: 'The mean of `(labels - predictions) ** 2` over `axes`, by default over all.',
  operands: [operand('labels', 'float'), operand('predictions', 'float')],
  variadic: false,
  broadcast: true,
  params: reduceSchema,
  positional: ['axes'],
  build: (b, [labels, predictions], params) => {
    const difference = sub(b, predictions, labels);
    const squares = mul(b, difference, difference);
    return reduceOver(b, squares, params, (axes) => meanOf(b, squares, axes));
  },
  cases: [
    {
      inputs: [
        { type: 'f64[2,2]', data: [1, 2, 3, 4] },
        { type: 'f64[2,2]', data: [1.5, 0, -3, 4] },
      ],
      outputs: [{ type: 'f64', data: [10.0625] }],
      source: 'tensorflow',
    },
    {
      inputs: [
        { type: 'f32[1,3]', data: [1, 2, 4] },
        { type: 'f32[1,3]', data: [0.1, 0.2, 0.3] },
      ],
      params: { axes: [1], keepdims: true },
      outputs: [{ type: 'f32[1,1]', data: [5.9133334] }],
      source: 'tensorflow',
    },
  ],
  samples: [{ types: ['f64[2,3]', 'f64[2,3]'] }, { types: ['f32[2,3]', 'f32[2,3]'], params: { axes: [1] } }],
});
