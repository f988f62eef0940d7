import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** The same values. */
export const identity: Op = elementwise({
  name: 'identity',
  aliases: ['positive'],
  doc: '`x`.',
  operands: [operand('x', 'any')],
  jvp: 'linear',
  transpose: [(_, ct) => ct],
  simplify: (_, { x: [x] }) => x,
  element: (_, [x]) => x,
  cases: [
    {
      inputs: [{ type: 'f32[3]', data: [1.5, -2, NaN] }],
      outputs: [{ type: 'f32[3]', data: [1.5, -2, NaN] }],
      source: 'definition',
    },
    {
      inputs: [{ type: 'i64[2]', data: [-3, 1099511627776] }],
      outputs: [{ type: 'i64[2]', data: [-3, 1099511627776] }],
      source: 'definition',
    },
  ],
});
