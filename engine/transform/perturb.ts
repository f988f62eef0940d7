/** @file Sources that are no inputs: a variable is made differentiable by adding an input that is zero to it. */
import { add } from '../ops/add.ts';
import { Builder, Env } from '../program/builder.ts';
import type { Program, Var } from '../program/program.ts';

/** The program with one more input per variable; each is added to its variable before anything reads it. */
export function perturb(program: Program, variables: readonly Var[]): Program {
  const b = new Builder();
  const env = new Env();
  env.bind(program.inputs, b.inputsLike(program.inputs));
  const shifts = new Map(variables.map((variable) => [variable, b.input(variable.type, variable.name)]));
  const bind = (variables: readonly Var[], values: readonly Var[]): void =>
    env.bind(
      variables,
      values.map((value, i) => {
        const shift = shifts.get(variables[i] as Var);
        return shift ? add(b, value, shift) : value;
      }),
    );
  bind(program.inputs, env.all(program.inputs));
  for (const eqn of program.eqns) {
    bind(eqn.outputs, b.copy(eqn, env.all(eqn.inputs)));
  }
  return b.build(env.all(program.outputs));
}
