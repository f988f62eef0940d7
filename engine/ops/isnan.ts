import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** Whether it is NaN. */
export const isnan: Op = elementwise({
  name: 'isnan',
  aliases: ['is_nan'],
  doc: 'Whether `x` is NaN.',
  operands: [operand('x', 'float')],
  result: () => 'bool',
  jvp: ['integer_dtype'],
  element: (e, [x]) => e.ne(x, x),
  cases: [
    {
      inputs: [{ type: 'f32[6]', data: [0, -1.5, 3e38, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'bool[6]', data: [false, false, false, true, false, false] }],
      source: 'numpy',
    },
  ],
});
