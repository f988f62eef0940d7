import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { sub } from './sub.ts';

/** `1 / (1 + exp(-x))`. */
export const sigmoid: Op = elementwise({
  name: 'sigmoid',
  aliases: ['logistic', 'expit'],
  doc: '`1 / (1 + exp(-x))`.',
  operands: [operand('x', 'float')],
  // dσ = σ (1 - σ) dx
  jvp: [(b, dx, { y: [y] }) => mul(b, dx, mul(b, y, sub(b, b.full(1, y.type), y)))],
  // With z = exp(-|x|), which never overflows: 1 / (1 + z) for x ≥ 0, z / (1 + z) below.
  element: (e, [x]) => {
    const one = e.const(1, x.dtype);
    const z = e.exp(e.neg(e.abs(x)));
    return e.div(e.select(e.lt(x, e.const(0, x.dtype)), z, one), e.add(one, z));
  },
  cases: [
    {
      inputs: [{ type: 'f64[10]', data: [0, 2, -2, 40, -40, 700, -700, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[10]',
          data: [
            0.5,
            0.8807970779778824,
            0.11920292202211756,
            1,
            4.248354255291589e-18,
            1,
            9.85967654375977e-305,
            NaN,
            1,
            0,
          ],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[4]', data: [0.5, -5, 80, -80] }],
      outputs: [{ type: 'f32[4]', data: [0.62245935, 0.006692851, 1, 1.8048513e-35] }],
      source: 'mpmath',
    },
  ],
});
