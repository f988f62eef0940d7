import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';

/** The square root. */
export const sqrt: Op = elementwise({
  name: 'sqrt',
  doc: 'The square root of `x`; NaN where `x` is negative.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { y: [y] }) => mul(b, dx, div(b, b.full(0.5, y.type), y))],
  element: 'sqrt',
  domain: [[0.2, 3]],
  cases: [
    {
      inputs: [{ type: 'f64[7]', data: [0, 2, 1e-300, 1e300, -1, Infinity, NaN] }],
      outputs: [{ type: 'f64[7]', data: [0, Math.SQRT2, 1e-150, 1e150, NaN, Infinity, NaN] }],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[2]', data: [3, 0.1] }],
      outputs: [{ type: 'f32[2]', data: [1.7320508, 0.31622776] }],
      source: 'mpmath',
    },
  ],
});
