import { add } from './add.ts';
import { elementwise } from './elementwise.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { rsqrt } from './rsqrt.ts';
import { sub } from './sub.ts';

/** The inverse hyperbolic cosine. */
export const acosh: Op = elementwise({
  name: 'acosh',
  aliases: ['arccosh'],
  doc: 'The inverse hyperbolic cosine of `x`; NaN where `x < 1`.',
  operands: [operand('x', 'float')],
  // d acosh x = dx / (√(x - 1) √(x + 1)), which is NaN for all x < 1.
  jvp: [
    (b, dx, { x: [x] }) => {
      const one = b.full(1, x.type);
      return mul(b, dx, mul(b, rsqrt(b, sub(b, x, one)), rsqrt(b, add(b, x, one))));
    },
  ],
  // log(1 + t + √t √(t + 2)) for t = x - 1, which is log 2x where 1 is lost beside x.
  element: (e, [x]) => {
    const t = e.sub(x, e.const(1, x.dtype));
    const root = e.mul(e.apply('sqrt', [t]), e.apply('sqrt', [e.add(t, e.const(2, x.dtype))]));
    const far = e.add(e.apply('log', [x]), e.const(Math.LN2, x.dtype));
    return e.select(e.lt(x, e.const(1e9, x.dtype)), e.log1p(e.add(t, root)), far);
  },
  domain: [[1.2, 3]],
  cases: [
    {
      inputs: [{ type: 'f64[7]', data: [1, 1.0000001, 2, 1e300, 0.5, Infinity, NaN] }],
      outputs: [
        { type: 'f64[7]', data: [0, 0.0004472135919037347, 1.3169578969248168, 691.4686750787737, NaN, Infinity, NaN] },
      ],
      source: 'mpmath',
    },
    {
      inputs: [{ type: 'f32[2]', data: [1.5, 1e30] }],
      outputs: [{ type: 'f32[2]', data: [0.9624236, 69.7707] }],
      source: 'mpmath',
    },
  ],
});
