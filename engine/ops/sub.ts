import { add } from './add.ts';
import { elementwise } from './elementwise.ts';
import { folded } from './fold.ts';
import { neg } from './neg.ts';
import { type Op, operand } from './op.ts';

/** `x - y`. */
export const sub: Op = elementwise({
  name: 'sub',
  aliases: ['subtract'],
  doc: '`x - y`. Integers wrap around.',
  operands: [operand('x'), operand('y')],
  jvp: [(_, dx) => dx, (b, dy) => neg(b, dy)],
  transpose: [(_, ct) => ct, (b, ct) => neg(b, ct)],
  simplify: (b, { x: [x, y] }, type) => {
    if (b.uniform(y) === 0) return x;
    const inner = b.producer(y);
    return inner?.op === neg ? add(b, x, inner.inputs[0]!) : folded(b, [x, y], type, (p, q) => p - q);
  },
  element: 'sub',
  cases: [
    {
      inputs: [
        { type: 'f32[5]', data: [1, 2.5, -3, 1e30, Infinity] },
        { type: 'f32[5]', data: [0.5, 0.25, 10, 1, Infinity] },
      ],
      outputs: [{ type: 'f32[5]', data: [0.5, 2.25, -13, 1e30, NaN] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i32[3]', data: [1, -2147483648, 7] },
        { type: 'i32[3]', data: [3, 1, -8] },
      ],
      outputs: [{ type: 'i32[3]', data: [-2, 2147483647, 15] }],
      source: 'numpy',
    },
  ],
});
