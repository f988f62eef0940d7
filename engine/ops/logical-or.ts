import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** Whether either holds. */
export const logicalOr: Op = elementwise({
  name: 'logical_or',
  doc: 'Whether `x` or `y` or both are true.',
  operands: [operand('x', 'bool'), operand('y', 'bool')],
  jvp: ['integer_dtype'],
  simplify: (b, { x: [x, y] }) => {
    if (x === y) return x;
    const [left, right] = [b.uniform(x), b.uniform(y)];
    if (left !== undefined) return left ? x : y;
    return right === undefined ? null : right ? y : x;
  },
  element: 'or',
  cases: [
    {
      inputs: [
        { type: 'bool[4]', data: [true, true, false, false] },
        { type: 'bool[4]', data: [true, false, true, false] },
      ],
      outputs: [{ type: 'bool[4]', data: [true, true, true, false] }],
      source: 'numpy',
    },
  ],
});
