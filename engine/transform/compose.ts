/**
 * @file The derivatives people ask for, as compositions of jvp, unzip, transpose and vmap. Each takes a program whose
 * first `targets` outputs are differentiated with respect to the inputs numbered by `sources`, and returns a program
 * with the same inputs (then tangents or cotangents where it takes some) and the same outputs, then the derivatives.
 * Every one shares a single forward pass.
 */
import { broadcastTo } from '../ops/broadcast-to.ts';
import { cast } from '../ops/cast.ts';
import { eq } from '../ops/eq.ts';
import { iota } from '../ops/iota.ts';
import { reshape } from '../ops/reshape.ts';
import { transpose as permute } from '../ops/transpose.ts';
import { Builder } from '../program/builder.ts';
import type { Program, Var } from '../program/program.ts';
import { type Shape, sizeOf, type TensorType } from '../types.ts';
import { jvp } from './jvp.ts';
import { withoutDeadCode } from './simplify.ts';
import { instantiate } from './tangents.ts';
import { transpose, transposeInto } from './transpose.ts';
import { unzip } from './unzip.ts';
import { vmapAll } from './vmap.ts';

/** Targets at a point: what their derivatives read is there, and the linear part is still a program. */
export interface Point {
  /** Where derivatives are emitted; it has the residuals. */
  readonly b: Builder;
  /** The types of the targets. */
  readonly targets: readonly TensorType[];
  /** The types of the sources. */
  readonly sources: readonly TensorType[];
  readonly residuals: readonly Var[];
  /** From residuals and one tangent per source to the tangents of the connected targets. */
  readonly linear: Program;
  /** For each target, where its tangent is among the linear part's outputs; `null` when it is zero. */
  readonly places: readonly (number | null)[];
}

/** A program split where it is differentiated. */
export interface Linearization {
  /** From the inputs to the outputs, then the residuals. */
  readonly forward: Program;
  /** From the residuals and one tangent per source to the tangents of the connected targets. */
  readonly linear: Program;
  /** For each target, where its tangent is among the linear part's outputs; `null` when it is zero. */
  readonly places: readonly (number | null)[];
}

/** The first `targets` outputs of a program linearized in the inputs that `sources` numbers, and in some of its outputs. */
export function linearize(
  program: Program,
  targets: number,
  sources: readonly number[],
  seeds: readonly number[] = [],
): Linearization {
  const { program: both, tangents } = jvp(program, sources, seeds);
  const count = program.outputs.length;
  const connected = tangents.slice(0, targets).filter((place) => place !== null);
  // Tangents of what is no target are dropped, and with them the equations that lead there alone.
  const wanted = withoutDeadCode({ ...both, outputs: both.outputs.slice(0, count + connected.length) });
  const { forward, linear } = unzip(wanted, program.inputs.length, count);
  return {
    forward,
    linear,
    places: tangents.slice(0, targets).map((place) => (place === null ? null : place - count)),
  };
}

/** A program with its forward part emitted, ready for the derivatives of its first `targets` outputs. */
function pointOf(program: Program, targets: number, sources: readonly number[]): Point & { readonly values: Var[] } {
  const { forward, linear, places } = linearize(program, targets, sources);
  const count = program.outputs.length;
  return {
    b: Builder.continuing(forward),
    values: forward.outputs.slice(0, count),
    targets: program.outputs.slice(0, targets).map(({ type }) => type),
    sources: sources.map((source) => (program.inputs[source] as Var).type),
    residuals: forward.outputs.slice(count),
    linear,
    places,
  };
}

/** How many derivatives are taken at once along a leading axis; `undefined` for one, without that axis. */
export type Stack = number | undefined;

/** The type of a stack of tensors. */
export function stacked(type: TensorType, stack: Stack): TensorType {
  return stack === undefined ? type : { dtype: type.dtype, shape: [stack, ...type.shape] };
}

/** Tangents in, one per source: the targets' tangents out. */
export function pushforward(program: Program, targets: number, sources: readonly number[], stack: Stack): Program {
  const at = pointOf(program, targets, sources);
  const tangents = sources.map((source) => {
    const { type, name } = program.inputs[source] as Var;
    return at.b.input(stacked(type, stack), name);
  });
  return at.b.build([...at.values, ...push(at, tangents, stack)]);
}

/** Cotangents in, one per target: the sources' cotangents out. */
export function pullback(program: Program, targets: number, sources: readonly number[], stack: Stack): Program {
  const at = pointOf(program, targets, sources);
  const cotangents = program.outputs
    .slice(0, targets)
    .map((output) => at.b.input(stacked(output.type, stack), output.name));
  return at.b.build([...at.values, ...pull(at, cotangents, stack)]);
}

/** The gradient of the sum of all elements of all targets. */
export function gradient(program: Program, targets: number, sources: readonly number[]): Program {
  const at = pointOf(program, targets, sources);
  return at.b.build([...at.values, ...gradientAt(at)]);
}

/** The gradient of the sum of all elements of all targets, one per source. */
export function gradientAt(at: Point): Var[] {
  const ones = at.targets.map((type) => at.b.full(1, type));
  return pull(at, ones, undefined);
}

/** Which mode a Jacobian is built in: a column or a row at a time. */
export type Mode = 'forward' | 'reverse';

/** The mode that takes fewer passes. */
export function cheaperMode(targets: readonly TensorType[], sources: readonly TensorType[]): Mode {
  const sum = (types: readonly TensorType[]): number => types.reduce((total, { shape }) => total + sizeOf(shape), 0);
  return sum(sources) < sum(targets) ? 'forward' : 'reverse';
}

/** For each target and source, target-major, the Jacobian of shape `target.shape ++ source.shape`. */
export function jacobian(program: Program, targets: number, sources: readonly number[], mode?: Mode): Program {
  const at = pointOf(program, targets, sources);
  return at.b.build([...at.values, ...jacobianAt(at, mode)]);
}

/** For each target and source, target-major, the Jacobian of shape `target.shape ++ source.shape`. */
export function jacobianAt(at: Point, mode: Mode = cheaperMode(at.targets, at.sources)): Var[] {
  const { b, targets, sources } = at;
  const blocks =
    mode === 'reverse'
      ? targets.map((type, t) => {
          const rows = pull(at, oneHot(b, targets, t), sizeOf(type.shape));
          return rows.map((row, s) => reshape(b, row, { shape: [...type.shape, ...(sources[s] as TensorType).shape] }));
        })
      : transposed(
          sources.map((type, s) => {
            const columns = push(at, oneHot(b, sources, s), sizeOf(type.shape));
            return columns.map((column, t) =>
              reshape(b, axisLast(b, column), { shape: [...(targets[t] as TensorType).shape, ...type.shape] }),
            );
          }),
        );
  return blocks.flat();
}

/** For each source `[n, ...]`, the Jacobian `[n, ...target, ...source]` of row `i` of the target with respect to row `i`. */
export function batchJacobian(program: Program, sources: readonly number[]): Program {
  const at = pointOf(program, 1, sources);
  return at.b.build([...at.values, ...batchJacobianAt(at)]);
}

/** For each source `[n, ...]`, the Jacobian `[n, ...target, ...source]` of row `i` of the target with respect to row `i`. */
export function batchJacobianAt(at: Point): Var[] {
  const { b } = at;
  const { dtype, shape } = at.targets[0] as TensorType;
  const [batch, ...rest] = shape as [number, ...Shape];
  const size = sizeOf(rest);
  const rows = broadcastTo(b, reshape(b, identityMatrix(b, size, dtype), { shape: [size, 1, size] }), {
    shape: [size, batch, size],
  });
  const cotangent = reshape(b, rows, { shape: [size, ...shape] });
  return pull(at, [cotangent], size).map((block) => {
    const [, , ...inner] = block.type.shape;
    const axes = block.type.shape.map((_, axis) => (axis === 0 ? 1 : axis === 1 ? 0 : axis));
    return reshape(b, permute(b, block, { axes }), { shape: [batch, ...rest, ...inner] });
  });
}

/** For each pair of sources, first-major, the second derivative of the target's sum: `a.shape ++ b.shape`. */
export function hessian(program: Program, sources: readonly number[]): Program {
  const first = gradient({ ...program, outputs: program.outputs.slice(0, 1) }, 1, sources);
  const gradients: Program = { ...first, outputs: first.outputs.slice(1) };
  return withValues(program, jacobian(gradients, sources.length, sources, 'forward'), sources.length);
}

/** Tangents in, one per source: the Hessian of the target's sum times them, one per source. */
export function hvp(program: Program, sources: readonly number[], stack: Stack): Program {
  const first = gradient({ ...program, outputs: program.outputs.slice(0, 1) }, 1, sources);
  const gradients: Program = { ...first, outputs: first.outputs.slice(1) };
  return withValues(program, pushforward(gradients, sources.length, sources, stack), sources.length);
}

/** A derivative whose first `skip` outputs are replaced with the program's own outputs. */
function withValues(program: Program, derivative: Program, skip: number): Program {
  const b = new Builder();
  const inputs = derivative.inputs.map((input) => b.input(input.type, input.name));
  const values = b.inline(program, inputs);
  return b.build([...values, ...b.inline(derivative, inputs).slice(skip)]);
}

/** The targets' tangents from one tangent per source. */
export function push(at: Point, tangents: readonly Var[], stack: Stack): Var[] {
  const { b, linear, residuals, places, targets } = at;
  const program = stack === undefined ? linear : overStack(linear, residuals.length, stack);
  const made = b.inline(program, [...residuals, ...tangents]);
  return places.map((place, t) =>
    instantiate(b, place === null ? null : (made[place] as Var), stacked(targets[t] as TensorType, stack)),
  );
}

/** The sources' cotangents from one cotangent per target. */
export function pull(at: Point, cotangents: readonly Var[], stack: Stack): Var[] {
  const { b, linear, residuals, places } = at;
  const given = cotangents.filter((_, t) => places[t] !== null);
  if (stack === undefined) return transposeInto(b, linear, residuals, given);
  const backward = overStack(transpose(linear, residuals.length), residuals.length, stack);
  return b.inline(backward, [...residuals, ...given]);
}

/** A program on a stack of what follows its residuals. */
function overStack(program: Program, residuals: number, size: number): Program {
  return vmapAll(
    program,
    program.inputs.map((_, i) => i >= residuals),
    size,
  );
}

/** Along a leading axis, every unit vector of tensor `which`, and zeros for the others. */
function oneHot(b: Builder, types: readonly TensorType[], which: number): Var[] {
  const chosen = types[which] as TensorType;
  const size = sizeOf(chosen.shape);
  return types.map((type, i) =>
    i === which
      ? reshape(b, identityMatrix(b, size, type.dtype), { shape: [size, ...type.shape] })
      : b.full(0, stacked(type, size)),
  );
}

/** The identity matrix of `n` rows. */
export function identityMatrix(b: Builder, n: number, dtype: TensorType['dtype']): Var {
  const rows = iota(b, { dtype: 'int32', shape: [n, n], axis: 0 });
  const columns = iota(b, { dtype: 'int32', shape: [n, n], axis: 1 });
  return cast(b, eq(b, rows, columns), { dtype });
}

/** Axis 0 moved behind all others. */
function axisLast(b: Builder, x: Var): Var {
  const rank = x.type.shape.length;
  return permute(b, x, { axes: x.type.shape.map((_, axis) => (axis + 1) % rank) });
}

function transposed<T>(rows: readonly (readonly T[])[]): T[][] {
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] as T));
}
