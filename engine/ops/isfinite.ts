import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** Whether it is neither infinite nor NaN. */
export const isfinite: Op = elementwise({
  name: 'isfinite',
  aliases: ['is_finite'],
  doc: 'Whether `x` is neither infinite nor NaN.',
  operands: [operand('x', 'float')],
  result: () => 'bool',
  jvp: ['integer_dtype'],
  element: (e, [x]) => e.lt(e.abs(x), e.const(Infinity, x.dtype)),
  cases: [
    {
      inputs: [{ type: 'f32[6]', data: [0, -1.5, 3e38, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'bool[6]', data: [true, true, true, false, false, false] }],
      source: 'numpy',
    },
  ],
});
