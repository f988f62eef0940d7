import { elementwise } from './elementwise.ts';
import { exp } from './exp.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { type Op, operand } from './op.ts';

/** The error function. */
export const erf: Op = elementwise({
  name: 'erf',
  doc: 'The error function, `2/√π ∫ exp(-t²) dt` from 0 to `x`.',
  operands: [operand('x', 'float')],
  // d erf x = 2/√π exp(-x²) dx
  jvp: [
    (b, dx, { x: [x] }) => mul(b, dx, mul(b, b.full(2 / Math.sqrt(Math.PI), x.type), exp(b, neg(b, mul(b, x, x))))),
  ],
  element: 'erf',
  cases: [
    {
      inputs: [{ type: 'f64[10]', data: [0, 0.5, -1, 2.5, -5, 1e-9, 6.5, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[10]',
          data: [
            0,
            0.5204998778130465,
            -0.8427007929497149,
            0.999593047982555,
            -0.9999999999984626,
            1.1283791670955127e-9,
            1,
            NaN,
            1,
            -1,
          ],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[3]', data: [0.1, -2, 4] }],
      outputs: [{ type: 'f32[3]', data: [0.112462915, -0.9953223, 1] }],
      source: 'mpmath',
    },
  ],
});
