import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** `x + y`. */
export const add: Op = elementwise({
  name: 'add',
  doc: '`x + y`. Integers wrap around.',
  operands: [operand('x'), operand('y')],
  jvp: [(_, dx) => dx, (_, dy) => dy],
  transpose: [(_, ct) => ct, (_, ct) => ct],
  simplify: (b, { x: [x, y] }) => (b.uniform(x) === 0 ? y : b.uniform(y) === 0 ? x : null),
  element: 'add',
  cases: [
    {
      inputs: [
        { type: 'f32[3]', data: [1, 2.5, -3] },
        { type: 'f32[3]', data: [0.5, 0.25, 10] },
      ],
      outputs: [{ type: 'f32[3]', data: [1.5, 2.75, 7] }],
      source: 'definition',
    },
  ],
});
