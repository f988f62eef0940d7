import { elementwise } from './elementwise.ts';
import { folded } from './fold.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { type Op, operand } from './op.ts';

/** `x / y`. */
export const div: Op = elementwise({
  name: 'div',
  aliases: ['divide', 'truediv', 'true_divide'],
  doc: '`x / y`, true division: integers are divided as float64.',
  operands: [operand('x', 'float'), operand('y', 'float')],
  // d(x/y) = dx/y - (x/y)/y · dy
  jvp: [(b, dx, { x: [, y] }) => div(b, dx, y), (b, dy, { x: [, y], y: [z] }) => mul(b, dy, neg(b, div(b, z, y)))],
  transpose: [(b, ct, { x: [, y] }) => div(b, ct, y), null],
  simplify: (b, { x: [x, y] }, type) => {
    if (b.uniform(y) === 1) return x;
    return b.uniform(y) === -1 ? neg(b, x) : folded(b, [x, y], type, (p, q) => p / q);
  },
  element: 'div',
  domain: [
    [-2, 2],
    [0.5, 2],
  ],
  cases: [
    {
      inputs: [
        { type: 'f32[6]', data: [1, -7, 1, -1, 0, 3e38] },
        { type: 'f32[6]', data: [3, 2, 0, 0, 0, 0.5] },
      ],
      outputs: [{ type: 'f32[6]', data: [0.33333334, -3.5, Infinity, -Infinity, NaN, Infinity] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[3]', data: [1, 2, Infinity] },
        { type: 'f64[3]', data: [3, -Infinity, 2] },
      ],
      outputs: [{ type: 'f64[3]', data: [0.3333333333333333, -0, Infinity] }],
      source: 'numpy',
    },
  ],
});
