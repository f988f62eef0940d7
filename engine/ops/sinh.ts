import { cosh } from './cosh.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';

/** The hyperbolic sine. */
export const sinh: Op = elementwise({
  name: 'sinh',
  doc: 'The hyperbolic sine of `x`.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, cosh(b, x))],
  element: 'sinh',
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 0.5, -2, 1e-9, 700, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [0, 0.5210953054937474, -3.6268604078470186, 1e-9, 5.0711602736750225e303, NaN, Infinity, -Infinity],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[3]', data: [0.5, -3, 80] }],
      outputs: [{ type: 'f32[3]', data: [0.5210953, -10.017875, 2.7703112e34] }],
      source: 'mpmath',
    },
  ],
});
