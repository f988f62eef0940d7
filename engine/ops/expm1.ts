import { elementwise } from './elementwise.ts';
import { exp } from './exp.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';

/** `exp(x) - 1`, accurate near zero. */
export const expm1: Op = elementwise({
  name: 'expm1',
  doc: '`exp(x) - 1`, accurate where `x` is near zero.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, exp(b, x))],
  element: 'expm1',
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 1e-10, -1e-10, 1, -40, NaN, Infinity, -Infinity] }],
      outputs: [
        {
          type: 'f64[8]',
          data: [0, 1.00000000005e-10, -9.999999999500001e-11, 1.7182818284590453, -1, NaN, Infinity, -1],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[3]', data: [1e-6, -0.5, 5] }],
      outputs: [{ type: 'f32[3]', data: [1.0000005e-6, -0.39346933, 147.41316] }],
      source: 'mpmath',
    },
  ],
});
