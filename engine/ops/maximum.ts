import { elementwise } from './elementwise.ts';
import { ge } from './ge.ts';
import { type Op, operand } from './op.ts';
import { where } from './where.ts';

/** The greater of two. */
export const maximum: Op = elementwise({
  name: 'maximum',
  doc: 'The greater of `x` and `y`; NaN where either is. Where they are equal the gradient goes to `x`, as in TensorFlow.',
  operands: [operand('x'), operand('y')],
  jvp: [
    (b, dx, { x: [x, y] }) => where(b, ge(b, x, y), dx, b.full(0, dx.type)),
    (b, dy, { x: [x, y] }) => where(b, ge(b, x, y), b.full(0, dy.type), dy),
  ],
  simplify: (_, { x: [x, y] }) => (x === y ? x : null),
  element: 'max',
  cases: [
    {
      inputs: [
        { type: 'f32[5]', data: [1, -2, NaN, 1, Infinity] },
        { type: 'f32[5]', data: [2, -3, 1, NaN, 5] },
      ],
      outputs: [{ type: 'f32[5]', data: [2, -2, NaN, NaN, Infinity] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i64[2]', data: [-5, 1099511627776] },
        { type: 'i64[2]', data: [3, 7] },
      ],
      outputs: [{ type: 'i64[2]', data: [3, 1099511627776] }],
      source: 'numpy',
    },
  ],
  samples: [
    {
      types: ['f64[2,3]', 'f64[2,3]'],
      domain: [
        [-2, -0.1],
        [0.1, 2],
      ],
    },
    {
      types: ['f32[2,3]', 'f32[2,3]'],
      domain: [
        [0.1, 2],
        [-2, -0.1],
      ],
    },
    { types: ['i32[2,3]', 'i32[2,3]'] },
    { types: ['i64[2,3]', 'i64[2,3]'] },
  ],
});
