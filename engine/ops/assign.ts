import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** Writes `value` to a variable and returns it. */
export const assign: Op = elementwise({
  name: 'assign',
  doc: 'The variable takes the value; the result is the value. Cotangents go to the variable, not through the state into `value`.',
  operands: [operand('variable'), operand('value')],
  writes: 0,
  // A read after the write is a read of the variable: its derivative is the variable's own (`tf.Variable`).
  jvp: [(_, dx) => dx, 'through_state'],
  element: (_, [, value]) => value,
  cases: [
    {
      inputs: [
        { type: 'f32[2]', data: [1, 2] },
        { type: 'f32[2]', data: [10, 20] },
      ],
      outputs: [{ type: 'f32[2]', data: [10, 20] }],
      source: 'definition',
    },
  ],
});
