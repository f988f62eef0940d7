import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { sign } from './sign.ts';

/** The magnitude. */
export const abs: Op = elementwise({
  name: 'abs',
  aliases: ['absolute'],
  doc: 'The magnitude of `x`. The derivative at 0 is 0.',
  operands: [operand('x')],
  jvp: [(b, dx, { x: [x] }) => mul(b, dx, sign(b, x))],
  simplify: (b, { x: [x] }) => (b.producer(x)?.op === abs ? x : null),
  element: 'abs',
  domain: [[-2, -0.1]],
  cases: [
    {
      inputs: [{ type: 'f32[6]', data: [1.5, -2.5, 0, NaN, Infinity, -Infinity] }],
      outputs: [{ type: 'f32[6]', data: [1.5, 2.5, 0, NaN, Infinity, Infinity] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[3]', data: [-3, 0, 2147483647] }],
      outputs: [{ type: 'i32[3]', data: [3, 0, 2147483647] }],
      source: 'numpy',
    },
  ],
});
