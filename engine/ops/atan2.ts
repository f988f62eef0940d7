import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { add } from './add.ts';
import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { neg } from './neg.ts';
import { type Op, operand } from './op.ts';

/** The angle of the point (x, y), in radians. */
export const atan2: Op = elementwise({
  name: 'atan2',
  aliases: ['arctan2'],
  doc: 'The angle of the point `(x, y)`, from -π to π; the ordinate `y` is the first input.',
  operands: [operand('y', 'float'), operand('x', 'float')],
  // d atan2(y, x) = (x dy - y dx) / (x² + y²)
  jvp: [
    (b, dy, { x: [y, x] }) => mul(b, dy, div(b, x, squaredRadius(b, y, x))),
    (b, dx, { x: [y, x] }) => mul(b, dx, neg(b, div(b, y, squaredRadius(b, y, x)))),
  ],
  element: 'atan2',
  domain: [
    [-2, 2],
    [0.3, 2],
  ],
  cases: [
    {
      inputs: [
        { type: 'f64[9]', data: [1, 1, -1, -1, 0, 0, 1, Infinity, NaN] },
        { type: 'f64[9]', data: [1, -1, 1, -1, 1, -1, 0, Infinity, 1] },
      ],
      outputs: [
        {
          type: 'f64[9]',
          data: [
            0.7853981633974483,
            2.356194490192345,
            -0.7853981633974483,
            -2.356194490192345,
            0,
            Math.PI,
            1.5707963267948966,
            0.7853981633974483,
            NaN,
          ],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [
        { type: 'f32[2]', data: [0.5, -2] },
        { type: 'f32[2]', data: [-3, 1e-10] },
      ],
      outputs: [{ type: 'f32[2]', data: [2.976444, -1.5707964] }],
      source: 'mpmath',
    },
  ],
});

function squaredRadius(b: Builder, y: Var, x: Var): Var {
  return add(b, mul(b, y, y), mul(b, x, x));
}
