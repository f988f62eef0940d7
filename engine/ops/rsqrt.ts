import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';

/** One over the square root. */
export const rsqrt: Op = elementwise({
  name: 'rsqrt',
  doc: '`1 / sqrt(x)`; infinite at 0, NaN where `x` is negative.',
  operands: [operand('x', 'float')],
  // d x^(-1/2) = -1/2 x^(-1/2) / x dx
  jvp: [(b, dx, { x: [x], y: [y] }) => mul(b, dx, div(b, mul(b, y, b.full(-0.5, y.type)), x))],
  element: 'rsqrt',
  domain: [[0.2, 3]],
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [4, 2, 1e-300, 1e300, 0, -1, Infinity, NaN] }],
      outputs: [{ type: 'f64[8]', data: [0.5, Math.SQRT1_2, 1e150, 1e-150, Infinity, NaN, 0, NaN] }],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[2]', data: [2, 0.1] }],
      outputs: [{ type: 'f32[2]', data: [0.70710677, 3.1622777] }],
      source: 'mpmath',
    },
  ],
});
