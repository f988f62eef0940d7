import { z } from 'zod';
import { add } from '../ops/add.ts';
import { cast } from '../ops/cast.ts';
import { concatenate } from '../ops/concatenate.ts';
import { div } from '../ops/div.ts';
import { gt } from '../ops/gt.ts';
import { mul } from '../ops/mul.ts';
import { neg } from '../ops/neg.ts';
import { reshape } from '../ops/reshape.ts';
import { slice } from '../ops/slice.ts';
import { sub } from '../ops/sub.ts';
import { sum } from '../ops/sum.ts';
import { where } from '../ops/where.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { sizeOf } from '../types.ts';
import { type QuasiNewton, type Slot, spread } from './optimizer.ts';

const params = z.strictObject({
  history: z.int().min(1).max(64).default(10).meta({ description: 'How many steps the curvature is known from.' }),
  evaluations: z
    .int()
    .min(2)
    .max(1000)
    .default(25)
    .meta({ description: 'The most evaluations of the loss and its gradient in one step.' }),
});

type Params = z.output<typeof params>;

function history(name: string, doc: string): Slot<Params> {
  return { name, doc, type: ({ dtype, shape }, { history }) => ({ dtype, shape: [history, sizeOf(shape)] }) };
}

/** Curvatures below this, relative to the change of the gradient, are rounding errors. */
const LEAST_CURVATURE = 2 ** -52;

/** Newton's steps with a curvature that is known from the last steps. */
export const lbfgs: QuasiNewton<Params> = {
  kind: 'quasi_newton',
  name: 'lbfgs',
  doc: '`w + t * d`: the direction `d = -H g` by the two loops over the last steps, the length `t` by a line search for the strong Wolfe conditions that begins at `rate`. Nocedal and Wright, 2006, algorithms 7.4 and 3.5.',
  learningRate: 1,
  params,
  slots: [
    history('s', 'How the variable moved in the last steps, the newest last.'),
    history('y', 'How its gradient changed in the last steps, the newest last.'),
  ],
  evaluations: ({ evaluations }) => evaluations,
  turn: (b, at, { history }) => {
    const zero = b.full(0, SCALAR);
    // A step along which the gradient did not grow teaches nothing of a minimum.
    const curvature = total(b, at, ({ moved, changed }) => dot(b, moved, changed));
    const least = total(b, at, ({ changed }) => dot(b, changed, changed));
    const learns = gt(b, curvature, mul(b, b.full(LEAST_CURVATURE, SCALAR), least));
    const stacks = at.map(({ moved, changed, slots: [s, y] }) => [
      pushed(b, learns, s!, moved),
      pushed(b, learns, y!, changed),
    ]) as [Var, Var][];
    const rows = stacks.map(([s, y]) => [rowsOf(b, s), rowsOf(b, y)] as const);
    const s = (i: number): Var[] => rows.map(([each]) => each[i]!);
    const y = (i: number): Var[] => rows.map(([, each]) => each[i]!);
    // 1 / sᵢ·yᵢ, and 0 for the steps that are not there: they then change nothing below.
    const products = Array.from({ length: history }, (_, i) => dots(b, s(i), y(i)));
    const inverse = products.map((sy) => where(b, gt(b, sy, zero), div(b, b.full(1, SCALAR), sy), zero));
    let q: Var[] = at.map(({ gradient }) => gradient);
    const weights: Var[] = [];
    for (let i = history - 1; i >= 0; i--) {
      weights[i] = mul(b, inverse[i]!, dots(b, s(i), q));
      q = plus(b, q, neg(b, weights[i]!), y(i));
    }
    const newest = products[history - 1]!;
    const ratio = div(b, newest, dots(b, y(history - 1), y(history - 1)));
    const gamma = where(b, gt(b, newest, zero), ratio, b.full(1, SCALAR));
    let r = q.map((each) => mul(b, spread(b, gamma, each.type), each));
    for (let i = 0; i < history; i++) r = plus(b, r, sub(b, weights[i]!, mul(b, inverse[i]!, dots(b, y(i), r))), s(i));
    return { directions: r.map((each) => neg(b, each)), slots: stacks, curvature: newest };
  },
};

const SCALAR = { dtype: 'float64', shape: [] } as const;

/** `x · y`, in float64. */
export function dot(b: Builder, x: Var, y: Var): Var {
  const wide = (each: Var): Var => cast(b, each, { dtype: 'float64' });
  return sum(b, mul(b, wide(x), wide(y)), { axes: x.type.shape.map((_, axis) => axis) });
}

function total<T>(b: Builder, parts: readonly T[], part: (each: T) => Var): Var {
  return parts.map(part).reduce((a, c) => add(b, a, c));
}

function dots(b: Builder, x: readonly Var[], y: readonly Var[]): Var {
  return total(b, [...x.keys()], (v) => dot(b, x[v]!, y[v]!));
}

/** `x + factor · y` for each variable. */
function plus(b: Builder, x: readonly Var[], factor: Var, y: readonly Var[]): Var[] {
  return x.map((each, v) => add(b, each, mul(b, spread(b, factor, each.type), y[v]!)));
}

/** The rows of a history with a new one behind them instead of the oldest, where the condition holds. */
function pushed(b: Builder, condition: Var, rows: Var, row: Var): Var {
  const [count, size] = rows.type.shape as [number, number];
  const kept = slice(b, rows, { starts: [1, 0], stops: [count, size], steps: [1, 1] });
  const next = concatenate(b, kept, reshape(b, row, { shape: [1, size] }), { axis: 0 });
  return where(b, spread(b, condition, { dtype: 'bool', shape: next.type.shape }), next, rows);
}

function rowsOf(b: Builder, rows: Var): Var[] {
  const [count, size] = rows.type.shape as [number, number];
  return Array.from({ length: count }, (_, i) =>
    reshape(b, slice(b, rows, { starts: [i, 0], stops: [i + 1, size], steps: [1, 1] }), { shape: [size] }),
  );
}
