import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** `-x`. */
export const neg: Op = elementwise({
  name: 'neg',
  aliases: ['negative', 'negate'],
  doc: '`-x`.',
  operands: [operand('x')],
  jvp: [(b, dx) => neg(b, dx)],
  transpose: [(b, ct) => neg(b, ct)],
  simplify: (b, { x: [x] }) => {
    const inner = b.producer(x);
    return inner?.op === neg ? (inner.inputs[0] ?? null) : null;
  },
  element: 'neg',
  cases: [
    {
      inputs: [{ type: 'f32[3]', data: [1, -2.5, 0] }],
      outputs: [{ type: 'f32[3]', data: [-1, 2.5, -0] }],
      source: 'definition',
    },
  ],
});
