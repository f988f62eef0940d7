import { neg } from '../ops/neg.ts';
import { operand } from '../ops/op.ts';
import { softplus } from '../ops/softplus.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** The logarithm of the sigmoid. */
export const logSigmoid: Composite = elementwiseComposite({
  name: 'log_sigmoid',
  aliases: ['logsigmoid'],
  doc: '`log(sigmoid(x))`, which is `-softplus(-x)`.',
  operands: [operand('x', 'float')],
  build: (b, [x]) => neg(b, softplus(b, neg(b, x))),
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [-1000, -3, 0, 2, 40, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [-1000, -3.048587351573742, -Math.LN2, -0.1269280110429725, -4.248354255291589e-18, NaN, -0, -Infinity],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[4]', data: [-20, -0.1, 0.1, 5] }],
      outputs: [{ type: 'f32[4]', data: [-20, -0.7443967, -0.64439666, -0.0067153485] }],
      source: 'jax',
    },
  ],
});
