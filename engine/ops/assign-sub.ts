import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** Writes `variable - value` to a variable and returns it. */
export const assignSub: Op = elementwise({
  name: 'assign_sub',
  doc: 'The variable becomes `variable - value`; the result is its new value. Cotangents go to the variable, not through the state into `value`.',
  operands: [operand('variable'), operand('value')],
  writes: 0,
  // A read after the write is a read of the variable: its derivative is the variable's own (`tf.Variable`).
  jvp: [(_, dx) => dx, 'through_state'],
  element: 'sub',
  cases: [
    {
      inputs: [
        { type: 'f32[2]', data: [1, 2] },
        { type: 'f32[2]', data: [10, 20] },
      ],
      outputs: [{ type: 'f32[2]', data: [-9, -18] }],
      source: 'definition',
    },
  ],
});
