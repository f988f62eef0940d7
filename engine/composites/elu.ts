import { z } from 'zod';
import { expm1 } from '../ops/expm1.ts';
import { lt } from '../ops/lt.ts';
import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { where } from '../ops/where.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

const params = z.strictObject({ alpha: z.number().min(-1e6).max(1e6).default(1) });

/** An exponential approach to `-alpha` where `x` is negative, `x` elsewhere. */
export const elu: Composite<z.output<typeof params>> = elementwiseComposite({
  name: 'elu',
  doc: '`alpha * (exp(x) - 1)` where `x` is negative, `x` elsewhere; `alpha` is 1 by default. The derivative at 0 is 1.',
  operands: [operand('x', 'float')],
  params,
  positional: ['alpha'],
  build: (b, [x], { alpha }) => exponentialLinear(b, x, alpha),
  domain: [[-2, -0.1]],
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [-1000, -3, -0.5, 0, 1e-9, 2, 1000, NaN] }],
      outputs: [{ type: 'f64[8]', data: [-1, -0.950212931632136, -0.3934693402873665, 0, 1e-9, 2, 1000, NaN] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[4]', data: [-20, -0.1, 0.1, 5] }],
      params: { alpha: 0.5 },
      outputs: [{ type: 'f32[4]', data: [-0.5, -0.047581293, 0.1, 5] }],
      source: 'jax',
    },
  ],
});

/** `elu` as equations. */
export function exponentialLinear(b: Builder, x: Var, alpha: number): Var {
  const zero = b.full(0, x.type);
  const negative = lt(b, x, zero);
  // The branch not taken must stay finite, or its derivative would be 0 · ∞.
  const bent = expm1(b, where(b, negative, x, zero));
  return where(b, negative, mul(b, bent, b.full(alpha, x.type)), x);
}
