import { elementwise } from './elementwise.ts';
import { floorDivide } from './floor-divide.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { type Op, operand } from './op.ts';

/** What floor division leaves. */
export const remainder: Op = elementwise({
  name: 'remainder',
  aliases: ['mod', 'floormod', 'floor_mod'],
  doc: "`x - floor(x / y) * y`, which has the sign of `y`, as Python's `%`; of integers, 0 where `y` is 0.",
  operands: [operand('x'), operand('y')],
  jvp: [(_, dx) => dx, (b, dy, { x: [x, y] }) => mul(b, dy, neg(b, floorDivide(b, x, y)))],
  element: 'mod',
  // Quotients between 2 and 3.
  domain: [
    [2.1, 2.9],
    [1, 1.03],
  ],
  cases: [
    {
      inputs: [
        { type: 'f64[5]', data: [7, -7, 7, -7, 5.5] },
        { type: 'f64[5]', data: [3, 3, -3, -3, 2] },
      ],
      outputs: [{ type: 'f64[5]', data: [1, 2, -2, -1, 1.5] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'f64[5]', data: [-0.5, 0.5, 0.5, -0.5, NaN] },
        { type: 'f64[5]', data: [Infinity, -Infinity, Infinity, -Infinity, Infinity] },
      ],
      outputs: [{ type: 'f64[5]', data: [Infinity, -Infinity, 0.5, -0.5, NaN] }],
      source: 'numpy',
    },
    {
      inputs: [
        { type: 'i32[6]', data: [7, -7, 7, -7, 5, 6] },
        { type: 'i32[6]', data: [3, 3, -3, -3, 0, 3] },
      ],
      outputs: [{ type: 'i32[6]', data: [1, 2, -2, -1, 0, 0] }],
      source: 'numpy',
    },
  ],
});
