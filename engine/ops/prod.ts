import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { sizeOf } from '../types.ts';
import { accumulatorOf } from './accumulator.ts';
import { add } from './add.ts';
import { mul } from './mul.ts';
import type { Op } from './op.ts';
import { pad } from './pad.ts';
import { type Axes, reduction } from './reduction.ts';
import { reshape } from './reshape.ts';
import { slice } from './slice.ts';
import { transpose } from './transpose.ts';

/** The product over axes. */
export const prod: Op<Axes> = reduction({
  name: 'prod',
  aliases: ['reduce_prod'],
  doc: 'The product over `axes`. The derivative is exact where elements are zero. Integers wrap around.',
  kind: 'number',
  jvp: [(b, dx, { x: [x], y: [y], params }) => reshape(b, tangent(b, dx, x, params.axes), { shape: y.type.shape })],
  accumulator: accumulatorOf,
  monoid: (e, dtype) => ({ identity: [e.const(1, dtype)], combine: ([a], [b]) => [e.mul(a!, b!)] }),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      params: { axes: [0, 1] },
      outputs: [{ type: 'f32', data: [540] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[2,2]', data: [2, 0, 3, Infinity] }],
      params: { axes: 1 },
      outputs: [{ type: 'f64[2]', data: [0, Infinity] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2,2]', data: [65536, 65536, 3, 5] }],
      params: { axes: 1 },
      outputs: [{ type: 'i32[2]', data: [0, 15] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f64[0,2]', data: [] }],
      params: { axes: [0] },
      outputs: [{ type: 'f64[2]', data: [1, 1] }],
      source: 'numpy',
    },
  ],
});

/** Halves the factors again and again by (pq)' = p q' + p' q, which divides by nothing, at any order. */
function tangent(b: Builder, dx: Var, x: Var, axes: readonly number[]): Var {
  let factors = asRows(b, x, axes);
  let tangents = asRows(b, dx, axes);
  if (factors.type.shape[0] === 0) [factors, tangents] = [evened(b, factors, 1, 1), evened(b, tangents, 1, 0)];
  for (let count = factors.type.shape[0]!; count > 1; count = factors.type.shape[0]!) {
    const half = Math.ceil(count / 2);
    const [p, q] = halves(b, evened(b, factors, 2 * half, 1), half);
    const [dp, dq] = halves(b, evened(b, tangents, 2 * half, 0), half);
    tangents = add(b, mul(b, p, dq), mul(b, dp, q));
    factors = mul(b, p, q);
  }
  return tangents;
}

/** `[folded, kept]`. */
function asRows(b: Builder, x: Var, axes: readonly number[]): Var {
  const { shape } = x.type;
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const sizes = [axes, kept].map((group) => sizeOf(group.map((axis) => shape[axis]!)));
  return reshape(b, transpose(b, x, { axes: [...axes, ...kept] }), { shape: sizes });
}

function evened(b: Builder, x: Var, rows: number, value: number): Var {
  const missing = rows - x.type.shape[0]!;
  return missing === 0 ? x : pad(b, x, { low: [0, 0], high: [missing, 0], interior: [0, 0], value });
}

function halves(b: Builder, x: Var, half: number): [Var, Var] {
  const [count, columns] = x.type.shape as [number, number];
  return [
    slice(b, x, { starts: [0, 0], stops: [half, columns], steps: [1, 1] }),
    slice(b, x, { starts: [half, 0], stops: [count, columns], steps: [1, 1] }),
  ];
}
