import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** Whether both hold. */
export const logicalAnd: Op = elementwise({
  name: 'logical_and',
  doc: 'Whether both `x` and `y` are true.',
  operands: [operand('x', 'bool'), operand('y', 'bool')],
  jvp: ['integer_dtype'],
  simplify: (b, { x: [x, y] }) => {
    if (x === y) return x;
    const [left, right] = [b.uniform(x), b.uniform(y)];
    if (left !== undefined) return left ? y : x;
    return right === undefined ? null : right ? x : y;
  },
  element: 'and',
  cases: [
    {
      inputs: [
        { type: 'bool[4]', data: [true, true, false, false] },
        { type: 'bool[4]', data: [true, false, true, false] },
      ],
      outputs: [{ type: 'bool[4]', data: [true, false, false, false] }],
      source: 'numpy',
    },
  ],
});
