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

/** A program at a point: its forward part emitted, its linear part still a program. */
interface Linearized {
  readonly b: Builder;
  /** The program's outputs. */
  readonly values: readonly Var[];
  readonly residuals: readonly Var[];
  /** From residuals and one tangent per source to the tangents of the connected targets. */
  readonly linear: Program;
  /** For each target, where its tangent is among the linear part's outputs; `null` when it is zero. */
  readonly places: readonly (number | null)[];
}

function linearize(program: Program, targets: number, sources: readonly number[]): Linearized {
  const { program: both, tangents } = jvp(program, sources);
  const count = program.outputs.length;
  const connected = tangents.slice(0, targets).filter((place) => place !== null);
  // Tangents of what is no target are dropped, and with them the equations that lead there alone.
  const wanted = withoutDeadCode({ ...both, outputs: both.outputs.slice(0, count + connected.length) });
  const { forward, linear } = unzip(wanted, program.inputs.length, count);
  return {
    b: Builder.continuing(forward),
    values: forward.outputs.slice(0, count),
    residuals: forward.outputs.slice(count),
    linear,
    places: tangents.slice(0, targets).map((place) => (place === null ? null : place - count)),
  };
}

/** How many derivatives are taken at once along a leading axis; `undefined` for one, without that axis. */
export type Stack = number | undefined;

function stacked(type: TensorType, stack: Stack): TensorType {
  return stack === undefined ? type : { dtype: type.dtype, shape: [stack, ...type.shape] };
}

/** Tangents in, one per source: the targets' tangents out. */
export function pushforward(program: Program, targets: number, sources: readonly number[], stack: Stack): Program {
  const at = linearize(program, targets, sources);
  const { b } = at;
  const tangents = sources.map((source) => {
    const { type, name } = program.inputs[source] as Var;
    return b.input(stacked(type, stack), name);
  });
  return b.build([...at.values, ...push(at, tangents, stack)]);
}

/** Cotangents in, one per target: the sources' cotangents out. */
export function pullback(program: Program, targets: number, sources: readonly number[], stack: Stack): Program {
  const at = linearize(program, targets, sources);
  const { b } = at;
  const cotangents = program.outputs
    .slice(0, targets)
    .map((output) => b.input(stacked(output.type, stack), output.name));
  return b.build([...at.values, ...pull(at, cotangents, stack)]);
}

/** The gradient of the sum of all elements of all targets. */
export function gradient(program: Program, targets: number, sources: readonly number[]): Program {
  const at = linearize(program, targets, sources);
  const { b } = at;
  const ones = at.values.slice(0, targets).map((value) => b.full(1, value.type));
  return b.build([...at.values, ...pull(at, ones, undefined)]);
}

/** Which mode a Jacobian is built in: a column or a row at a time. */
export type Mode = 'forward' | 'reverse';

/** The mode that takes fewer passes. */
export function cheaperMode(program: Program, targets: number, sources: readonly number[]): Mode {
  const columns = sources.reduce((total, source) => total + sizeOf((program.inputs[source] as Var).type.shape), 0);
  const rows = program.outputs.slice(0, targets).reduce((total, output) => total + sizeOf(output.type.shape), 0);
  return columns < rows ? 'forward' : 'reverse';
}

/** For each target and source, target-major, the Jacobian of shape `target.shape ++ source.shape`. */
export function jacobian(
  program: Program,
  targets: number,
  sources: readonly number[],
  mode = cheaperMode(program, targets, sources),
): Program {
  const at = linearize(program, targets, sources);
  const { b } = at;
  const outputs = at.values.slice(0, targets).map((value) => value.type);
  const inputs = sources.map((source) => (program.inputs[source] as Var).type);
  const blocks =
    mode === 'reverse'
      ? outputs.map((type, t) => {
          const rows = pull(at, oneHot(b, outputs, t), sizeOf(type.shape));
          return rows.map((row, s) => reshape(b, row, { shape: [...type.shape, ...(inputs[s] as TensorType).shape] }));
        })
      : transposed(
          inputs.map((type, s) => {
            const columns = push(at, oneHot(b, inputs, s), sizeOf(type.shape));
            return columns.map((column, t) =>
              reshape(b, axisLast(b, column), { shape: [...(outputs[t] as TensorType).shape, ...type.shape] }),
            );
          }),
        );
  return b.build([...at.values, ...blocks.flat()]);
}

/** For each source `[n, ...]`, the Jacobian `[n, ...target, ...source]` of row `i` of the target with respect to row `i`. */
export function batchJacobian(program: Program, sources: readonly number[]): Program {
  const at = linearize(program, 1, sources);
  const { b } = at;
  const { dtype, shape } = (at.values[0] as Var).type;
  const [batch, ...rest] = shape as [number, ...Shape];
  const size = sizeOf(rest);
  const rows = broadcastTo(b, reshape(b, identityMatrix(b, size, dtype), { shape: [size, 1, size] }), {
    shape: [size, batch, size],
  });
  const cotangent = reshape(b, rows, { shape: [size, ...shape] });
  const blocks = pull(at, [cotangent], size).map((block) => {
    const [, , ...inner] = block.type.shape;
    const axes = block.type.shape.map((_, axis) => (axis === 0 ? 1 : axis === 1 ? 0 : axis));
    return reshape(b, permute(b, block, { axes }), { shape: [batch, ...rest, ...inner] });
  });
  return b.build([...at.values, ...blocks]);
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

function push(at: Linearized, tangents: readonly Var[], stack: Stack): Var[] {
  const { b, linear, residuals, places, values } = at;
  const program = stack === undefined ? linear : overStack(linear, residuals.length, stack);
  const made = b.inline(program, [...residuals, ...tangents]);
  return places.map((place, t) =>
    instantiate(b, place === null ? null : (made[place] as Var), stacked((values[t] as Var).type, stack)),
  );
}

function pull(at: Linearized, cotangents: readonly Var[], stack: Stack): Var[] {
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
