import { elementwise } from './elementwise.ts';
import { type Op, operand } from './op.ts';

/** `x` where the condition holds, else `y`. */
export const where: Op = elementwise({
  name: 'where',
  doc: '`x` where `condition` is true, `y` elsewhere.',
  operands: [operand('condition', 'bool'), operand('x', 'any'), operand('y', 'any')],
  jvp: 'linear',
  transpose: [
    null,
    (b, ct, { x: [condition] }) => where(b, condition, ct, b.full(0, ct.type)),
    (b, ct, { x: [condition] }) => where(b, condition, b.full(0, ct.type), ct),
  ],
  simplify: (b, { x: [condition, x, y] }) => {
    const known = b.uniform(condition);
    return known === undefined ? (x === y ? x : null) : known ? x : y;
  },
  element: 'select',
  cases: [
    {
      inputs: [
        { type: 'bool[3]', data: [true, false, true] },
        { type: 'f32[3]', data: [1, 2, 3] },
        { type: 'f32[3]', data: [10, 20, 30] },
      ],
      outputs: [{ type: 'f32[3]', data: [1, 20, 3] }],
      source: 'definition',
    },
  ],
});
