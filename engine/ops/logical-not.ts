import { elementwise } from './elementwise.ts';
import { folded } from './fold.ts';
import { type Op, operand } from './op.ts';

/** Whether it does not hold. */
export const logicalNot: Op = elementwise({
  name: 'logical_not',
  doc: 'Whether `x` is false.',
  operands: [operand('x', 'bool')],
  jvp: ['integer_dtype'],
  simplify: (b, { x: [x] }, y) => {
    const inner = b.producer(x);
    return inner?.op === logicalNot ? inner.inputs[0]! : folded(b, [x], y, (value) => !value);
  },
  element: 'not',
  cases: [
    {
      inputs: [{ type: 'bool[4]', data: [true, true, false, false] }],
      outputs: [{ type: 'bool[4]', data: [false, false, true, true] }],
      source: 'numpy',
    },
  ],
});
