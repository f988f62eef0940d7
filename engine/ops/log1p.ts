import { add } from './add.ts';
import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** `log(1 + x)`, accurate near zero. */
export const log1p: Op = elementwise({
  name: 'log1p',
  doc: '`log(1 + x)`, accurate where `x` is near zero; NaN where `x < -1`.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => div(b, dx, add(b, x, b.full(1, x.type)))],
  element: 'log1p',
  domain: [[-0.7, 2]],
  cases: [
    {
      inputs: [{ type: 'f64[9]', data: [0, 1e-10, -1e-10, 1, -0.8, -1, -2, Infinity, NaN] }],
      outputs: [
        {
          type: 'f64[9]',
          data: [
            0,
            9.999999999500001e-11,
            -1.00000000005e-10,
            Math.LN2,
            -1.6094379124341005,
            -Infinity,
            NaN,
            Infinity,
            NaN,
          ],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[2]', data: [1e-6, 100] }],
      outputs: [{ type: 'f32[2]', data: [9.999995e-7, 4.6151204] }],
      source: 'mpmath',
    },
  ],
});
