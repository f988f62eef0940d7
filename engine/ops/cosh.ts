import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { sinh } from './sinh.ts';

/** The hyperbolic cosine. */
export const cosh: Op = elementwise({
  name: 'cosh',
  doc: 'The hyperbolic cosine of `x`.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, sinh(b, x))],
  element: 'cosh',
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 0.5, -2, 1e-9, 700, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [1, 1.1276259652063807, 3.7621956910836314, 1, 5.0711602736750225e303, NaN, Infinity, Infinity],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[3]', data: [0.5, -3, 80] }],
      outputs: [{ type: 'f32[3]', data: [1.127626, 10.067662, 2.7703112e34] }],
      source: 'mpmath',
    },
  ],
});
