import { add } from './add.ts';
import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { sub } from './sub.ts';

/** The inverse hyperbolic tangent. */
export const atanh: Op = elementwise({
  name: 'atanh',
  aliases: ['arctanh'],
  doc: 'The inverse hyperbolic tangent of `x`; infinite at ±1, NaN outside [-1, 1].',
  operands: [operand('x', 'float')],
  // d atanh x = dx / ((1 - x)(1 + x)), the factors being exact near ±1.
  jvp: [
    (b, dx, { x: [x] }) => {
      const one = b.full(1, x.type);
      return div(b, dx, mul(b, sub(b, one, x), add(b, one, x)));
    },
  ],
  // ±log(1 + 2a / (1 - a)) / 2 for a = |x|
  element: (e, [x]) => {
    const a = e.abs(x);
    const ratio = e.div(e.add(a, a), e.sub(e.const(1, x.dtype), a));
    return e.mul(e.mul(e.apply('sign', [x]), e.const(0.5, x.dtype)), e.log1p(ratio));
  },
  domain: [[-0.9, 0.9]],
  cases: [
    {
      inputs: [{ type: 'f64[8]', data: [0, 0.5, -0.999999, 1e-9, 1, -1, 2, NaN] }],
      outputs: [
        { type: 'f64[8]', data: [0, 0.5493061443340549, -7.254328619247669, 1e-9, Infinity, -Infinity, NaN, NaN] },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[2]', data: [0.001, -0.9] }],
      outputs: [{ type: 'f32[2]', data: [0.0010000004, -1.4722193] }],
      source: 'mpmath',
    },
  ],
});
