import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { div } from './div.ts';
import { elementwise } from './elementwise.ts';
import { eq } from './eq.ts';
import { mul } from './mul.ts';
import { type Op, operand } from './op.ts';
import { where } from './where.ts';

/** `√(x² + y²)`. */
export const hypot: Op = elementwise({
  name: 'hypot',
  doc: '`sqrt(x² + y²)`, without overflow. The derivative at the origin is 0.',
  operands: [operand('x', 'float'), operand('y', 'float')],
  // d = (x dx + y dy) / √(x² + y²)
  jvp: [
    (b, dx, { x: [x], y: [r] }) => mul(b, dx, div(b, x, nonzero(b, r))),
    (b, dy, { x: [, y], y: [r] }) => mul(b, dy, div(b, y, nonzero(b, r))),
  ],
  // m √(1 + (n/m)²) for m the larger and n the smaller magnitude, or m itself where m is 0 or infinite.
  element: (e, [x, y]) => {
    const m = e.max(e.abs(x), e.abs(y));
    const ratio = e.div(e.min(e.abs(x), e.abs(y)), m);
    const length = e.mul(m, e.apply('sqrt', [e.add(e.const(1, x.dtype), e.mul(ratio, ratio))]));
    const extreme = e.or(e.eq(m, e.const(0, x.dtype)), e.eq(m, e.const(Infinity, x.dtype)));
    return e.select(extreme, m, length);
  },
  domain: [
    [-2, 2],
    [0.3, 2],
  ],
  cases: [
    {
      inputs: [
        { type: 'f64[7]', data: [3, -1, 0, 1e200, 1e-200, Infinity, -Infinity] },
        { type: 'f64[7]', data: [4, 2, 0, 1e200, -1e-200, 1, Infinity] },
      ],
      outputs: [
        {
          type: 'f64[7]',
          data: [5, 2.23606797749979, 0, 1.414213562373095e200, 1.414213562373095e-200, Infinity, Infinity],
        },
      ],
      source: 'mpmath',
    },
    {
      inputs: [
        { type: 'f32[2]', data: [0.1, 1e30] },
        { type: 'f32[2]', data: [-7, 1e30] },
      ],
      outputs: [{ type: 'f32[2]', data: [7.0007143, 1.4142135e30] }],
      source: 'mpmath',
    },
  ],
});

function nonzero(b: Builder, r: Var): Var {
  return where(b, eq(b, r, b.full(0, r.type)), b.full(1, r.type), r);
}
