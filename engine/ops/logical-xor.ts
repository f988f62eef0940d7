import { elementwise } from './elementwise.ts';
import { logicalNot } from './logical-not.ts';
import { type Op, operand } from './op.ts';

/** Whether exactly one holds. */
export const logicalXor: Op = elementwise({
  name: 'logical_xor',
  doc: 'Whether exactly one of `x` and `y` is true.',
  operands: [operand('x', 'bool'), operand('y', 'bool')],
  jvp: ['integer_dtype'],
  simplify: (b, { x: [x, y] }) => {
    const [left, right] = [b.uniform(x), b.uniform(y)];
    if (left !== undefined) return left ? logicalNot(b, y) : y;
    return right === undefined ? null : right ? logicalNot(b, x) : x;
  },
  element: (e, [x, y]) => e.ne(x, y),
  cases: [
    {
      inputs: [
        { type: 'bool[4]', data: [true, true, false, false] },
        { type: 'bool[4]', data: [true, false, true, false] },
      ],
      outputs: [{ type: 'bool[4]', data: [false, true, true, false] }],
      source: 'numpy',
    },
  ],
});
