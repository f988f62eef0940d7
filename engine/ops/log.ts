import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { folded } from './fold.ts';
import { type Op, operand } from './op.ts';

/** The natural logarithm. */
export const log: Op = elementwise({
  name: 'log',
  doc: 'The natural logarithm of `x`; NaN where `x` is negative.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => div(b, dx, x)],
  simplify: (b, { x: [x] }, y) => folded(b, [x], y, (value) => Math.log(value)),
  element: 'log',
  domain: [[0.2, 3]],
  cases: [
    {
      inputs: [{ type: 'f64[10]', data: [1, 2, 0.2, 1e300, 1e-300, 0, -1, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[10]',
          data: [
            0,
            Math.LN2,
            -1.6094379124341003,
            690.7755278982137,
            -690.7755278982137,
            -Infinity,
            NaN,
            NaN,
            Infinity,
            NaN,
          ],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[4]', data: [0.7, 1.0000001, 1e-37, 3e38] }],
      outputs: [{ type: 'f32[4]', data: [-0.35667497, 1.1920928e-7, -85.19565, 88.59685] }],
      source: 'mpmath',
    },
  ],
});
