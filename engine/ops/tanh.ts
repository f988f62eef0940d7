import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { sub } from './sub.ts';

/** The hyperbolic tangent. */
export const tanh: Op = elementwise({
  name: 'tanh',
  doc: 'The hyperbolic tangent of `x`.',
  operands: [operand('x', 'float')],
  // d tanh x = (1 - tanh² x) dx
  jvp: [(b, dx, { y: [y] }) => mul(b, dx, sub(b, b.full(1, y.type), mul(b, y, y)))],
  element: 'tanh',
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 0.5, -2, 1e-9, 25, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'f64[8]', data: [0, 0.46211715726000974, -0.9640275800758169, 1e-9, 1, NaN, 1, -1] }],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[3]', data: [0.5, -3, 20] }],
      outputs: [{ type: 'f32[3]', data: [0.46211717, -0.9950548, 1] }],
      source: 'mpmath',
    },
  ],
});
