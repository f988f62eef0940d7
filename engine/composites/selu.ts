import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';
import { exponentialLinear } from './elu.ts';

/** From Klambauer et al., Self-Normalizing Neural Networks, 2017: they keep mean 0 and variance 1. */
const ALPHA = 1.6732632423543772;
const SCALE = 1.0507009873554805;

/** `elu`, scaled so that it keeps mean 0 and variance 1. */
export const selu: Composite = elementwiseComposite({
  name: 'selu',
  doc: "`scale * elu(x, alpha)` with Klambauer's constants, which keep mean 0 and variance 1.",
  operands: [operand('x', 'float')],
  build: (b, [x]) => mul(b, exponentialLinear(b, x, ALPHA), b.full(SCALE, x.type)),
  domain: [[-2, -0.1]],
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [-1000, -3, -0.5, 0, 1e-9, 2, 1000, NaN] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [
            -1.7580993408473766,
            -1.6705687287671118,
            -0.6917581878028712,
            0,
            1.0507009873554806e-9,
            2.101401974710961,
            1050.7009873554805,
            NaN,
          ],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[4]', data: [-20, -0.1, 0.1, 5] }],
      outputs: [{ type: 'f32[4]', data: [-1.7580993, -0.16730528, 0.1050701, 5.2535048] }],
      source: 'jax',
    },
  ],
});
