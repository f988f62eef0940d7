import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** Whether it is infinite. */
export const isinf: Op = elementwise({
  name: 'isinf',
  aliases: ['is_inf'],
  doc: 'Whether `x` is positive or negative infinity.',
  operands: [operand('x', 'float')],
  result: () => 'bool',
  jvp: ['integer_dtype'],
  element: (e, [x]) => e.eq(e.abs(x), e.const(Infinity, x.dtype)),
  cases: [
    {
      inputs: [{ type: 'f32[6]', data: [0, -1.5, 3e38, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'bool[6]', data: [false, false, false, false, true, true] }],
      source: 'numpy',
    },
  ],
});
