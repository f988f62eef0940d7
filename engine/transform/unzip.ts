/**
 * @file Partial evaluation. Splits a jvp program in what needs no tangents and what is linear in them:
 * `unzip : ((a, T a) -> (b, T b)) -> (a -> (b, r), (r, T a) -> T b)`.
 */
import { Builder, Env } from '../program/builder.ts';
import type { Eqn, Program, Var } from '../program/program.ts';

/** A program split at a point where it is differentiated. */
export interface Unzipped {
  /** From the known inputs to the known outputs, then the residuals. */
  readonly forward: Program;
  /** From the residuals, then the unknown inputs, to the unknown outputs. */
  readonly linear: Program;
  /** How many values the forward part hands on. */
  readonly residuals: number;
  /** For each output of the original, whether it is among `forward`'s first outputs. */
  readonly known: readonly boolean[];
}

/** Splits a program whose inputs from `firstUnknown` on are not known. */
export function unzip(program: Program, firstUnknown: number): Unzipped {
  const unknown = new Set<Var>(program.inputs.slice(firstUnknown));
  const knownEqns: Eqn[] = [];
  const unknownEqns: Eqn[] = [];
  for (const eqn of program.eqns) {
    if (!eqn.inputs.some((input) => unknown.has(input))) {
      knownEqns.push(eqn);
      continue;
    }
    unknownEqns.push(eqn);
    for (const output of eqn.outputs) unknown.add(output);
  }
  const literals = literalProducers(knownEqns);
  const residuals = new Set<Var>();
  const literalEqns = new Set<Eqn>();
  const need = (variable: Var): void => {
    if (unknown.has(variable)) return;
    const literal = literals.get(variable);
    if (literal) literalEqns.add(literal);
    else residuals.add(variable);
  };
  for (const eqn of unknownEqns) eqn.inputs.forEach(need);

  const forward = rebuild(program.inputs.slice(0, firstUnknown), knownEqns, [
    ...program.outputs.filter((output) => !unknown.has(output)),
    ...residuals,
  ]);
  const linear = rebuild(
    [...residuals, ...program.inputs.slice(firstUnknown)],
    [...literalEqns, ...unknownEqns],
    program.outputs.filter((output) => unknown.has(output)),
  );
  return {
    forward,
    linear,
    residuals: residuals.size,
    known: program.outputs.map((output) => !unknown.has(output)),
  };
}

/** Equations without inputs: cheaper to write again than to hand on. */
function literalProducers(eqns: readonly Eqn[]): Map<Var, Eqn> {
  const producers = new Map<Var, Eqn>();
  for (const eqn of eqns) if (eqn.inputs.length === 0) for (const output of eqn.outputs) producers.set(output, eqn);
  return producers;
}

function rebuild(inputs: readonly Var[], eqns: readonly Eqn[], outputs: readonly Var[]): Program {
  const b = new Builder();
  const env = new Env();
  env.bind(inputs, b.inputsLike(inputs));
  for (const eqn of eqns) {
    const made = b.copy(eqn, env.all(eqn.inputs));
    env.bind(eqn.outputs, made);
  }
  return b.build(env.all(outputs));
}
