/** @file The family of ops that move elements of one input: each output element is one input element. */
import type { Exprs } from '../compile/expr.ts';
import type { Index } from '../compile/index-space.ts';
import type { Builder } from '../program/builder.ts';
import type { Var } from '../program/program.ts';
import type { Shape, TensorType } from '../types.ts';
import { type CotangentRule, defineOp, type Form, type Op, type OpRules, operand } from './op.ts';

interface Movement<P>
  extends Pick<OpRules<P>, 'name' | 'aliases' | 'surface' | 'doc' | 'params' | 'cases' | 'samples'> {
  /** The output's shape. */
  type(x: TensorType, params: P): Shape;
  readonly transpose: CotangentRule<P>;
  /** The op on a batch of `size` along axis 0. */
  batch(b: Builder, x: Var, params: P, size: number): Var;
  simplify?(b: Builder, x: Var, params: P): Var | null;
  /** The input's position that an output position takes its element from. */
  source(e: Exprs, at: Index, form: Form<P>): Index;
}

/** An op that moves the elements of its one input; linear in it. */
export function movement<P>(rules: Movement<P>): Op<P> {
  const { type, transpose, batch, simplify, source, ...rest } = rules;
  return defineOp<P>({
    ...rest,
    family: 'movement',
    operands: [operand('x', 'any')],
    variadic: false,
    broadcast: false,
    type: (x, params) => [{ dtype: (x[0] as TensorType).dtype, shape: type(x[0] as TensorType, params) }],
    jvp: 'linear',
    transpose: [transpose],
    batch: (b, { x: [x], params }, _, size) => ({ y: [batch(b, x, params, size)], batched: [true] }),
    simplify: (b, { x: [x], params }, y) => {
      const value = b.uniform(x);
      return value === undefined ? (simplify?.(b, x, params) ?? null) : b.full(value, y);
    },
    lower: { kind: 'map', element: (e, read, at, form) => read(0, source(e, at, form)) },
  });
}
