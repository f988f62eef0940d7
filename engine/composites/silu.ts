import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { sigmoid } from '../ops/sigmoid.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

/** `x` gated by its own sigmoid. */
export const silu: Composite = elementwiseComposite({
  name: 'silu',
  aliases: ['swish'],
  doc: '`x * sigmoid(x)`.',
  operands: [operand('x', 'float')],
  build: (b, [x]) => mul(b, x, sigmoid(b, x)),
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [-1000, -3, -0.5, 0, 1e-9, 2, 1000, NaN] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [
            -0,
            -0.14227761953270035,
            -0.1887703343990727,
            0,
            5.000000002500001e-10,
            1.7615941559557646,
            1000,
            NaN,
          ],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[4]', data: [-20, -0.1, 0.1, 5] }],
      outputs: [{ type: 'f32[4]', data: [-4.122307e-8, -0.04750208, 0.05249792, 4.9665356] }],
      source: 'jax',
    },
  ],
});
