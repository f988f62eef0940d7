import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';

/** `e` to the power `x`. */
export const exp: Op = elementwise({
  name: 'exp',
  doc: '`exp(x)`.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { y: [y] }) => mul(b, dx, y)],
  element: 'exp',
  cases: [
    {
      inputs: [{ type: 'f64[9]', data: [0, 1, -1, 0.1, -700, 709, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[9]',
          data: [
            1,
            Math.E,
            0.36787944117144233,
            1.1051709180756477,
            9.85967654375977e-305,
            8.218407461554972e307,
            NaN,
            Infinity,
            0,
          ],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[5]', data: [0.5, -10, 88, 89, -100] }],
      outputs: [{ type: 'f32[5]', data: [1.6487212, 4.539993e-5, 1.6516363e38, Infinity, 3.8e-44] }],
      source: 'mpmath',
    },
  ],
});
