/** @file The family of ops that fold axes away. */
import { z } from 'zod';
import type { Expr, Exprs } from '../compile/expr.ts';
import { foldIndex, type Index, indexAt, indexAtLinear } from '../compile/index-space.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import { type DType, type Shape, sizeOf, type TensorType } from '../types.ts';
import { keptShape, normalAxes, reduceSchema } from './axes.ts';
import { accepts } from './elementwise.ts';
import {
  defineOp,
  type Monoid,
  type Op,
  type Operand,
  type OpRules,
  operand,
  ParamMismatch,
  type Sample,
  TypeMismatch,
} from './op.ts';
import { reshape } from './reshape.ts';

/** The params of a reduction: the axes folded away, increasing. */
export const axesParams = z.strictObject({ axes: z.array(z.number().int().min(0).max(7)).max(8).readonly() });

/** The params of a reduction. */
export type Axes = z.output<typeof axesParams>;

interface ReductionRules
  extends Pick<OpRules<Axes>, 'name' | 'aliases' | 'surface' | 'doc' | 'jvp' | 'transpose' | 'simplify' | 'cases'> {
  readonly kind: Operand['kind'];
  readonly result?: (x: DType) => DType;
  /** What elements of a dtype accumulate in, where it is not that dtype. */
  readonly accumulator?: (x: DType) => DType;
  /** The accumulators, of a dtype. */
  monoid(e: Exprs, dtype: DType): Monoid;
  /** What an element adds to the accumulators; by default itself. `position` is its row-major place among those folded. */
  lift?(e: Exprs, element: Expr, position: Expr): readonly Expr[];
  finish?(e: Exprs, accumulators: readonly Expr[]): Expr;
  /** Whether the fold of no elements is an error, as for the maximum. */
  readonly needsElements?: boolean;
  readonly samples?: readonly Sample[];
  /** Where floats are drawn from for the laws. */
  readonly domain?: Sample['domain'];
}

/** An op that folds axes away; without keepdims, which is a reshape. */
export function reduction(rules: ReductionRules): Op<Axes> {
  const { kind, result, accumulator, monoid, lift, finish, needsElements, domain, ...rest } = rules;
  const op: Op<Axes> = defineOp<Axes>({
    samples: samplesOf(kind, domain, needsElements),
    surface: {
      params: reduceSchema,
      positional: ['axes'],
      build: (b, [x], { axes, axis, keepdims, keep_dims }) => {
        const folded = normalAxes(axes ?? axis, x.type.shape);
        return kept(b, op(b, x, { axes: folded }), x.type.shape, folded, keepdims ?? keep_dims);
      },
    },
    // The fold of one element is that element.
    ...(lift
      ? {}
      : {
          simplify: (b, { x: [x], params: { axes } }, y) =>
            axes.length === 0
              ? x
              : sizeOf(axes.map((axis) => x.type.shape[axis] as number)) === 1
                ? reshape(b, x, { shape: y.shape })
                : null,
        }),
    ...rest,
    family: 'reduction',
    operands: [operand('x', kind)],
    variadic: false,
    broadcast: false,
    params: axesParams,
    type: ([x], { axes }) => {
      const { dtype, shape } = x as TensorType;
      if (!accepts(kind, dtype)) throw new TypeMismatch(0, `a ${kind} tensor`);
      checkAxes(axes, shape);
      if (needsElements && axes.some((axis) => shape[axis] === 0))
        throw new ParamMismatch(
          'axes',
          `there is nothing along axes [${axes}] of shape [${shape}] to take the ${rules.name} of`,
        );
      return [{ dtype: result ? result(dtype) : dtype, shape: shape.filter((_, axis) => !axes.includes(axis)) }];
    },
    batch: (b, { x: [x], params }) => ({
      y: [op(b, x, { axes: params.axes.map((axis) => axis + 1) })],
      batched: [true],
    }),
    lower: {
      kind: 'reduce',
      reduction: (e, read, at, { x: [x], params: { axes } }) => {
        const { dtype, shape } = x as TensorType;
        const over = axes.map((axis) => shape[axis] as number);
        return {
          over,
          monoid: monoid(e, accumulator ? accumulator(dtype) : dtype),
          element: (r) => {
            const element = read(0, interleave(e, shape, axes, at.axes(), r.axes()));
            return lift ? lift(e, element, r.linear()) : [e.cast(element, accumulator ? accumulator(dtype) : dtype)];
          },
          finish: (accumulators) => (finish ? finish(e, accumulators) : e.cast(accumulators[0] as Expr, dtype)),
        };
      },
    },
  });
  return op;
}

/** A reduced tensor, with the folded axes kept at size 1 if so wished. */
export function kept(
  b: Builder,
  reduced: Var,
  shape: Shape,
  axes: readonly number[],
  keepdims: boolean | undefined,
): Var {
  return keepdims ? reshape(b, reduced, { shape: keptShape(shape, axes) }) : reduced;
}

function interleave(
  e: Exprs,
  shape: Shape,
  axes: readonly number[],
  kept: readonly Expr[],
  folded: readonly Expr[],
): Index {
  // Folding everything keeps the offset itself, so that a fold over a whole tensor is one flat loop.
  if (axes.length === shape.length) return indexAtLinear(e, shape, foldIndex(e, shape).linear());
  let nextKept = 0;
  let nextFolded = 0;
  return indexAt(
    e,
    shape,
    shape.map((_, axis) => (axes.includes(axis) ? folded[nextFolded++] : kept[nextKept++]) as Expr),
  );
}

function checkAxes(axes: readonly number[], shape: Shape): void {
  axes.forEach((axis, i) => {
    if (axis >= shape.length || (i > 0 && axis <= (axes[i - 1] as number)))
      throw new ParamMismatch(
        'axes',
        `axes [${axes}] must be increasing and below the rank ${shape.length} of shape [${shape}]`,
      );
  });
}

function samplesOf(kind: Operand['kind'], domain: Sample['domain'], needsElements: boolean | undefined): Sample[] {
  const dtypes = kind === 'bool' ? ['bool'] : kind === 'float' ? ['f64', 'f32'] : ['f64', 'f32', 'i32', 'i64'];
  const sample = (type: string, axes: readonly number[]): Sample => ({
    types: [type],
    params: { axes },
    ...(domain ? { domain } : {}),
  });
  const [first] = dtypes;
  return [
    ...dtypes.flatMap((dtype) => [[0], [0, 1], [1]].map((axes) => sample(`${dtype}[2,3]`, axes))),
    sample(`${first}`, []),
    sample(`${first}[2,3,2]`, [0, 2]),
    sample(`${first}[2,1,3]`, [1]),
    sample(`${first}[2,0]`, [0]),
    ...(needsElements ? [] : [sample(`${first}[0,3]`, [0]), sample(`${first}[2,0]`, [0, 1])]),
  ];
}
