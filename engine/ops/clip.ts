import { elementwise } from './elementwise.ts';
import { gt } from './gt.ts';
import { logicalOr } from './logical-or.ts';
import { lt } from './lt.ts';
import { type Op, operand } from './op.ts';
import { where } from './where.ts';

/** The nearest value within bounds. */
export const clip: Op = elementwise({
  name: 'clip',
  aliases: ['clip_by_value', 'clamp'],
  doc:
    '`min(max(x, lo), hi)`. The gradient goes to `x` where it is within the bounds or on one, ' +
    'else to the bound, as in TensorFlow.',
  operands: [operand('x'), operand('lo'), operand('hi')],
  jvp: [
    (b, dx, { x: [x, lo, hi] }) => where(b, logicalOr(b, lt(b, x, lo), gt(b, x, hi)), b.full(0, dx.type), dx),
    (b, dlo, { x: [x, lo] }) => where(b, lt(b, x, lo), dlo, b.full(0, dlo.type)),
    (b, dhi, { x: [x, , hi] }) => where(b, gt(b, x, hi), dhi, b.full(0, dhi.type)),
  ],
  element: (e, [x, lo, hi]) => e.min(e.max(x, lo), hi),
  cases: [
    {
      inputs: [
        { type: 'f32[5]', data: [-2, 0.5, 3, Infinity, NaN] },
        { type: 'f32[5]', data: [-1, -1, -1, -1, -1] },
        { type: 'f32[5]', data: [1, 1, 1, 1, 1] },
      ],
      outputs: [{ type: 'f32[5]', data: [-1, 0.5, 1, 1, NaN] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i32[3]', data: [-9, 4, 9] },
        { type: 'i32[3]', data: [-5, -5, -5] },
        { type: 'i32[3]', data: [5, 5, 5] },
      ],
      outputs: [{ type: 'i32[3]', data: [-5, 4, 5] }],
      source: 'numpy',
    },
  ],
  samples: [
    {
      types: ['f64[2,3]', 'f64[2,3]', 'f64[2,3]'],
      domain: [
        [-1, 1],
        [-2, -1.1],
        [1.1, 2],
      ],
    },
    {
      types: ['f64[2,3]', 'f64[2,3]', 'f64[2,3]'],
      domain: [
        [-2, -1.1],
        [-1, 0],
        [0.1, 1],
      ],
    },
    {
      types: ['f32[2,3]', 'f32[2,3]', 'f32[2,3]'],
      domain: [
        [1.1, 2],
        [-1, 0],
        [0.1, 1],
      ],
    },
    { types: ['i32[2,3]', 'i32[2,3]', 'i32[2,3]'] },
    { types: ['i64[2,3]', 'i64[2,3]', 'i64[2,3]'] },
  ],
});
