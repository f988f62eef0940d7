/**
 * @file Transposition of a linear program: `transpose : (r, T a -o T b) -> (r, T b -o T a)`. Equations are walked
 * backwards once; the cotangents of a variable are summed once, when its equation is reached.
 */
import { EngineError } from '../errors.ts';
import { poll } from '../interrupt.ts';
import { type CotangentRule, ruleFor, type TransposeRule, type Vars } from '../ops/op.ts';
import { Builder, Env } from '../program/builder.ts';
import type { Eqn, Program, Var } from '../program/program.ts';
import { instantiate, sumOf } from './tangents.ts';

/**
 * The transpose of a program that is linear in its inputs from `firstLinear` on. Inputs: the others, then one cotangent
 * per output. Outputs: one cotangent per linear input.
 */
export function transpose(program: Program, firstLinear: number): Program {
  const b = new Builder();
  const known = b.inputsLike(program.inputs.slice(0, firstLinear));
  const cotangents = b.inputsLike(program.outputs);
  return b.build(transposeInto(b, program, known, cotangents));
}

/**
 * Emits the transpose of a program that is linear in what follows its `known` inputs: from one cotangent per output
 * (`null` is zero) to one per linear input.
 */
export function transposeInto(
  b: Builder,
  program: Program,
  known: readonly Var[],
  outputCotangents: readonly (Var | null)[],
): Var[] {
  const env = new Env();
  env.bind(program.inputs.slice(0, known.length), known);
  const cotangents = new Map<Var, (Var | null)[]>();
  const give = (variable: Var, cotangent: Var | null): void => {
    if (!cotangent) return;
    const terms = cotangents.get(variable);
    if (terms) terms.push(cotangent);
    else cotangents.set(variable, [cotangent]);
  };
  const linear = new Set<Var>(program.inputs.slice(known.length));
  const linearEqns: Eqn[] = [];
  for (const eqn of program.eqns) {
    poll();
    if (!eqn.inputs.some((input) => linear.has(input))) {
      env.bind(eqn.outputs, b.copy(eqn, env.all(eqn.inputs)));
      continue;
    }
    linearEqns.push(eqn);
    for (const output of eqn.outputs) linear.add(output);
  }
  program.outputs.forEach((output, i) => {
    if (linear.has(output)) give(output, outputCotangents[i] ?? null);
  });
  for (const eqn of linearEqns.reverse()) {
    poll();
    const ct = eqn.outputs.map((output) => sumOf(b, cotangents.get(output) ?? []));
    if (!ct.some((cotangent) => cotangent)) continue;
    b.node = eqn.node;
    const wanted = eqn.inputs.map((input) => linear.has(input));
    const site = {
      x: eqn.inputs.map((input) => env.get(input) ?? input) as unknown as Vars,
      y: eqn.outputs as unknown as Vars,
      params: eqn.params,
    };
    const given = pullBack(b, eqn, ct, site, wanted);
    eqn.inputs.forEach((input, i) => {
      if (wanted[i]) give(input, given[i] ?? null);
    });
  }
  return program.inputs
    .slice(known.length)
    .map((input) => instantiate(b, sumOf(b, cotangents.get(input) ?? []), input.type));
}

/** The transpose with respect to the inputs flagged: the others come first among the inputs, in order. */
export function transposeIn(program: Program, linear: readonly boolean[]): Program {
  const known = program.inputs.filter((_, i) => !linear[i]);
  const wanted = program.inputs.filter((_, i) => linear[i]);
  return transpose({ ...program, inputs: [...known, ...wanted] }, known.length);
}

function pullBack(
  b: Builder,
  eqn: Eqn,
  ct: readonly (Var | null)[],
  site: { x: Vars; y: Vars; params: Eqn['params'] },
  wanted: readonly boolean[],
): readonly (Var | null)[] {
  const rules = eqn.op.transpose;
  if (typeof rules === 'function') return (rules as TransposeRule<unknown>)(b, ct, site, wanted);
  return wanted.map((isWanted, i) => {
    if (!isWanted) return null;
    const rule = rules && ruleFor(rules as readonly (CotangentRule<unknown> | null)[], i);
    if (!rule) throw new EngineError('internal', `op ${eqn.op.name} is not linear in its input ${i}`);
    return rule(b, ct[0] as Var, site);
  });
}
