import { z } from 'zod';
import { add } from '../ops/add.ts';
import { erf } from '../ops/erf.ts';
import { mul } from '../ops/mul.ts';
import { operand } from '../ops/op.ts';
import { tanh } from '../ops/tanh.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { Composite } from './composite.ts';
import { elementwiseComposite } from './elementwise.ts';

const params = z.strictObject({ approximate: z.boolean().default(false) });

/** `x` times the probability that a standard normal variable is below it. */
export const gelu: Composite<z.output<typeof params>> = elementwiseComposite({
  name: 'gelu',
  doc:
    '`x Φ(x)`, with `Φ(x) = (1 + erf(x / √2)) / 2`, or with `approximate` ' +
    '`Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`.',
  operands: [operand('x', 'float')],
  params,
  positional: ['approximate'],
  build: (b, [x], { approximate }) => {
    const half = b.full(0.5, x.type);
    const odd = approximate ? tanhOfCubic(b, x) : erf(b, mul(b, x, b.full(Math.SQRT1_2, x.type)));
    return mul(b, mul(b, half, x), add(b, odd, b.full(1, x.type)));
  },
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [-40, -1, -0.5, 0, 1e-9, 2, 40, NaN] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [-0, -0.15865525393145707, -0.15426876936299344, 0, 5.000000003989423e-10, 1.9544997361036416, 40, NaN],
        },
      ],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f64[5]', data: [-40, -1, 0, 0.5, 3] }],
      params: { approximate: true },
      outputs: [{ type: 'f64[5]', data: [-0, -0.1588080093917233, 0, 0.3457140098251439, 2.996362607918227] }],
      source: 'jax',
    },
    {
      inputs: [{ type: 'f32[3]', data: [-2, 0.1, 5] }],
      outputs: [{ type: 'f32[3]', data: [-0.045500264, 0.053982783, 4.9999986] }],
      source: 'jax',
    },
  ],
});

function tanhOfCubic(b: Builder, x: Var): Var {
  // x + c x³ = x (1 + c x²)
  const bent = mul(b, x, add(b, mul(b, mul(b, x, x), b.full(0.044715, x.type)), b.full(1, x.type)));
  return tanh(b, mul(b, bent, b.full(Math.sqrt(2 / Math.PI), x.type)));
}
