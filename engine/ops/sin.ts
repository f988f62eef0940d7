import { cos } from './cos.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';

/** `sin x`, x in radians. */
export const sin: Op = elementwise({
  name: 'sin',
  doc: '`sin(x)`, `x` in radians.',
  operands: [operand('x', 'float')],
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, cos(b, x))],
  element: 'sin',
  cases: [
    {
      inputs: [{ type: 'f64[3]', data: [0, 0.5, -2] }],
      outputs: [{ type: 'f64[3]', data: [0, 0.479425538604203, -0.9092974268256817] }],
      source: 'numpy',
    },
  ],
});
