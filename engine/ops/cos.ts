import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { type Op, operand } from './op.ts';
import { sin } from './sin.ts';

/** `cos x`, x in radians. */
export const cos: Op = elementwise({
  name: 'cos',
  doc: '`cos(x)`, `x` in radians.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => neg(b, mul(b, dx, sin(b, x)))],
  element: 'cos',
  cases: [
    {
      inputs: [{ type: 'f64[3]', data: [0, 0.5, -2] }],
      outputs: [{ type: 'f64[3]', data: [1, 0.8775825618903728, -0.4161468365471424] }],
      source: 'numpy',
    },
  ],
});
