import { elementwise } from './elementwise.ts';
import { neg } from './neg.ts';
import { type Op, operand } from './op.ts';

/** `x · y`. */
export const mul: Op = elementwise({
  name: 'mul',
  aliases: ['multiply'],
  doc: '`x * y`. Integers wrap around.',
  operands: [operand('x'), operand('y')],
  jvp: [(b, dx, { x: [, y] }) => mul(b, dx, y), (b, dy, { x: [x] }) => mul(b, x, dy)],
  transpose: [(b, ct, { x: [, y] }) => mul(b, ct, y), (b, ct, { x: [x] }) => mul(b, x, ct)],
  simplify: (b, { x: [x, y] }) => {
    if (b.uniform(x) === 1) return y;
    if (b.uniform(y) === 1) return x;
    if (b.uniform(x) === -1) return neg(b, y);
    return b.uniform(y) === -1 ? neg(b, x) : null;
  },
  element: 'mul',
  cases: [
    {
      inputs: [
        { type: 'f32[3]', data: [1, 2.5, -3] },
        { type: 'f32[3]', data: [0.5, 2, 10] },
      ],
      outputs: [{ type: 'f32[3]', data: [0.5, 5, -30] }],
      source: 'definition',
    },
  ],
});
