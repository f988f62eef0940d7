/**
 * @file Partial evaluation. Splits a jvp program in what needs no tangents and what is linear in them:
 * `unzip : ((a, T a) -> (b, T b)) -> (a -> (b, r), (r, T a) -> T b)`.
 */
import { poll } from '../interrupt.ts';
import type { Eqn, Program, Var } from '../program/program.ts';

/** A program split at a point where it is differentiated. */
export interface Unzipped {
  /** From the known inputs to the values, then the residuals. */
  readonly forward: Program;
  /** From the residuals, then the unknown inputs, to the other outputs. */
  readonly linear: Program;
  /** How many values the forward part hands on. */
  readonly residuals: number;
}

/** Splits a program whose first inputs are known; its first outputs, `values` of them, must depend on those alone. */
export function unzip(program: Program, knownInputs: number, values: number): Unzipped {
  const unknown = new Set<Var>(program.inputs.slice(knownInputs));
  const knownEqns: Eqn[] = [];
  const unknownEqns: Eqn[] = [];
  for (const eqn of program.eqns) {
    poll();
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
  for (const eqn of unknownEqns) {
    poll();
    eqn.inputs.forEach(need);
  }
  program.outputs.slice(values).forEach(need);

  // The parts share their variables: what one makes, the other takes under the same object.
  const forward: Program = {
    inputs: program.inputs.slice(0, knownInputs),
    eqns: knownEqns,
    outputs: [...program.outputs.slice(0, values), ...residuals],
  };
  const linear: Program = {
    inputs: [...residuals, ...program.inputs.slice(knownInputs)],
    eqns: [...literalEqns, ...unknownEqns],
    outputs: program.outputs.slice(values),
  };
  return { forward, linear, residuals: residuals.size };
}

/** Equations without inputs: cheaper to write again than to hand on. */
function literalProducers(eqns: readonly Eqn[]): Map<Var, Eqn> {
  const producers = new Map<Var, Eqn>();
  for (const eqn of eqns) if (eqn.inputs.length === 0) for (const output of eqn.outputs) producers.set(output, eqn);
  return producers;
}
