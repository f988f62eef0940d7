import { isFloat } from '../types.ts';
import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { eq } from './eq.ts';
import { gt } from './gt.ts';
import { log } from './log.ts';
import { logicalAnd } from './logical-and.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { rsqrt } from './rsqrt.ts';
import { sqrt } from './sqrt.ts';
import { sub } from './sub.ts';
import { where } from './where.ts';

/** `x` to the power `y`. */
export const pow: Op = elementwise({
  name: 'pow',
  aliases: ['power'],
  doc:
    '`x ** y`. Integers wrap around, and a negative power of an integer is truncated towards zero. ' +
    'The derivative with respect to `y` is 0 where `x` is 0 or negative.',
  operands: [operand('x'), operand('y')],
  jvp: [
    // d(x^y) = y x^(y-1) dx, where 0 · 0^-1 is 0.
    (b, dx, { x: [x, y] }) => {
      const [zero, one] = [b.full(0, x.type), b.full(1, x.type)];
      const flat = logicalAnd(b, eq(b, y, zero), eq(b, x, zero));
      return mul(b, dx, mul(b, y, pow(b, x, where(b, flat, one, sub(b, y, one)))));
    },
    // d(x^y) = x^y log x dy
    (b, dy, { x: [x], y: [z] }) => {
      const positive = gt(b, x, b.full(0, x.type));
      return mul(b, dy, mul(b, z, log(b, where(b, positive, x, b.full(1, x.type)))));
    },
  ],
  simplify: (b, { x: [x, y] }, type) => {
    switch (b.uniform(y)) {
      case 0:
        return b.full(1, type);
      case 1:
        return x;
      case 2:
        return mul(b, x, x);
      case 3:
        return mul(b, mul(b, x, x), x);
      case 0.5:
        return sqrt(b, x);
      case -0.5:
        return rsqrt(b, x);
      case -1:
        return isFloat(type.dtype) ? div(b, b.full(1, type), x) : null;
      default:
        return null;
    }
  },
  element: 'pow',
  domain: [
    [0.3, 2],
    [-2, 2],
  ],
  cases: [
    {
      inputs: [
        { type: 'f64[9]', data: [2, 10, -2, -8, 0, 0, NaN, 2, -1] },
        { type: 'f64[9]', data: [0.5, -3, 3, 0.3333333333333333, 0, -1, 0, Infinity, NaN] },
      ],
      outputs: [{ type: 'f64[9]', data: [Math.SQRT2, 0.001, -8, NaN, 1, Infinity, 1, Infinity, NaN] }],
      source: 'mpmath',
    },
    {
      inputs: [
        { type: 'f32[4]', data: [1.5, 0.1, 9, 1e20] },
        { type: 'f32[4]', data: [2, 3, -0.5, 2] },
      ],
      outputs: [{ type: 'f32[4]', data: [2.25, 0.001, 0.33333334, Infinity] }],
      source: 'mpmath',
    },
    {
      inputs: [
        { type: 'i32[8]', data: [2, -3, 0, 7, 10, -1, 2, 0] },
        { type: 'i32[8]', data: [10, 3, 0, 0, 10, -3, -1, -2] },
      ],
      outputs: [{ type: 'i32[8]', data: [1024, -27, 1, 1, 1410065408, -1, 0, 0] }],
      source: 'definition',
    },
  ],
});
