/**
 * @file Forward mode. `jvp : (a -> b) -> (a, T a) -> (b, T b)`: each equation is emitted with the equations of its
 * tangents beside it. A tangent that is not there is zero, and costs nothing.
 */

import { EngineError } from '../errors.ts';
import { type Barrier, type JvpRule, ruleFor, type TangentRule, type Vars } from '../ops/op.ts';
import { Builder, Env } from '../program/builder.ts';
import type { Eqn, Program, Var } from '../program/program.ts';
import { instantiate, sumOf } from './tangents.ts';

/** A program with its derivative. */
export interface Jvp {
  /** Inputs: the program's, then one tangent per source and per seed. Outputs: the program's, then the tangents that are not zero. */
  readonly program: Program;
  /** For each output of the original, where its tangent is among the outputs; `null` when it is zero. */
  readonly tangents: readonly (number | null)[];
}

/**
 * The program with its derivative along the inputs that `sources` numbers, and along the outputs that `seeds` numbers:
 * what is computed from these moves with them too.
 */
export function jvp(program: Program, sources: readonly number[], seeds: readonly number[] = []): Jvp {
  const b = new Builder();
  const primals = new Env();
  const tangents = new Map<Var, Var>();
  primals.bind(program.inputs, b.inputsLike(program.inputs));
  for (const source of sources) {
    const input = program.inputs[source] as Var;
    tangents.set(input, b.input(input.type, input.name));
  }
  const seeded = new Map<Var, Var>();
  for (const seed of seeds) {
    const output = program.outputs[seed] as Var;
    seeded.set(output, b.input(output.type, output.name));
  }
  for (const eqn of program.eqns) {
    b.node = eqn.node;
    const x = primals.all(eqn.inputs);
    const dx = eqn.inputs.map((input) => tangents.get(input) ?? null);
    const { y, dy } = dx.some((tangent) => tangent) ? differentiate(b, eqn, x, dx) : { y: b.copy(eqn, x), dy: [] };
    primals.bind(eqn.outputs, y);
    eqn.outputs.forEach((output, i) => {
      const tangent = sumOf(b, [dy[i] ?? null, seeded.get(output) ?? null]);
      if (tangent) tangents.set(output, tangent);
    });
  }
  const outputs = primals.all(program.outputs);
  const places = program.outputs.map((output) => {
    const tangent = tangents.get(output);
    return tangent ? outputs.push(tangent) - 1 : null;
  });
  return { program: b.build(outputs), tangents: places };
}

interface Differentiated {
  readonly y: readonly Var[];
  readonly dy: readonly (Var | null)[];
}

function differentiate(b: Builder, eqn: Eqn, x: readonly Var[], dx: readonly (Var | null)[]): Differentiated {
  const rule = eqn.op.jvp;
  if (typeof rule === 'function')
    return (rule as JvpRule<unknown>)(
      b,
      { x: x as unknown as Vars, params: eqn.params, outputs: eqn.outputs.map((output) => output.type) },
      dx,
    );
  const y = b.copy(eqn, x);
  if (rule === 'linear') return { y, dy: linearTangents(b, eqn, x, dx) };
  const site = { x: x as unknown as Vars, y: y as unknown as Vars, params: eqn.params };
  const parts = dx.map((tangent, i) => {
    const part = ruleFor(rule as readonly (TangentRule<unknown> | Barrier)[], i);
    return tangent && typeof part === 'function' ? part(b, tangent, site) : null;
  });
  return { y, dy: [sumOf(b, parts)] };
}

/** The op itself on tangents: zeros where there is none, and the inputs it is not linear in as they are. */
function linearTangents(b: Builder, eqn: Eqn, x: readonly Var[], dx: readonly (Var | null)[]): readonly (Var | null)[] {
  const inputs = x.map((value, i) => (linearIn(eqn, i) ? instantiate(b, dx[i] ?? null, value.type) : value));
  if (!dx.some((tangent, i) => tangent && linearIn(eqn, i))) return eqn.outputs.map(() => null);
  return b.emit(eqn.op, inputs, eqn.params);
}

/** Whether an op that declares itself `linear` is so in input `i`. */
function linearIn(eqn: Eqn, i: number): boolean {
  const { transpose } = eqn.op;
  if (transpose === undefined) throw new EngineError('internal', `op ${eqn.op.name} is linear and has no transpose`);
  return typeof transpose === 'function' || ruleFor(transpose, i) !== null;
}
