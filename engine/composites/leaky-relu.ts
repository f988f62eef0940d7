import { z } from 'zod';
import { gt } from '../ops/gt.ts';
import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { where } from '../ops/where.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

const params = z.strictObject({ alpha: z.number().min(-1e6).max(1e6).default(0.01) });

/** `x`, with a small slope where it is negative. */
export const leakyRelu: Composite<z.output<typeof params>> = elementwiseComposite({
  name: 'leaky_relu',
  doc: '`x` where it is positive, `alpha * x` elsewhere; `alpha` is 0.01 by default. The derivative at 0 is `alpha`.',
  operands: [operand('x', 'float')],
  params,
  positional: ['alpha'],
  build: (b, [x], { alpha }) => where(b, gt(b, x, b.full(0, x.type)), x, mul(b, x, b.full(alpha, x.type))),
  domain: [[-2, -0.1]],
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [-1000, -3, -0.5, 0, 1e-9, 2, 1000, NaN] }],
      outputs: [{ type: 'f64[8]', data: [-10, -0.03, -0.005, 0, 1e-9, 2, 1000, NaN] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[4]', data: [-20, -0.1, 0.1, 5] }],
      params: { alpha: 0.25 },
      outputs: [{ type: 'f32[4]', data: [-5, -0.025, 0.1, 5] }],
      source: 'jax',
    },
  ],
});
