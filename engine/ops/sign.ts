import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';
import { where } from './where.ts';

/** -1, 0 or 1. */
export const sign: Op = elementwise({
  name: 'sign',
  doc: '-1, 0 or 1 as `x` is negative, zero or positive; NaN of NaN. The derivative is 0.',
  operands: [operand('x')],
  // Zero, and linear in dx all the same: what no tangent leads to is no tangent.
  jvp: [(b, dx) => where(b, b.full(0, { dtype: 'bool', shape: dx.type.shape }), dx, b.full(0, dx.type))],
  element: 'sign',
  domain: [[-2, -0.1]],
  cases: [
    {
      inputs: [{ type: 'f32[6]', data: [1.5, -2.5, 0, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'f32[6]', data: [1, -1, 0, NaN, 1, -1] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i64[3]', data: [-3, 0, 1099511627776] }],
      outputs: [{ type: 'i64[3]', data: [-1, 0, 1] }],
      source: 'numpy',
    },
  ],
});
