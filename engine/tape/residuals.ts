/** @file What the residuals of a fragment are, as functions of what tapes know: its inputs and its named outputs. */
import { Builder, Env } from '../program/builder.ts';
import type { Program, Var } from '../program/program.ts';
import { withoutDeadCode } from '../transform/simplify.ts';
import type { Fragment } from './fragment.ts';

/** The residuals of all views of a fragment. */
export interface Residuals {
  /** Which outputs of the fragment they are. */
  readonly outputs: readonly number[];
  /** Computes them from some of the fragment's inputs, then from some of its outputs. */
  readonly program: Program;
  readonly inputs: readonly number[];
  readonly tensors: readonly number[];
}

/** The residuals of a fragment. A named output stands for what it is computed from: it may be a source by itself. */
export function residualsOf({ program, views }: Fragment): Residuals {
  const recorded = views.find((view) => view)?.places.length ?? 0;
  const outputs = [...new Set(views.flatMap((view) => view?.residuals ?? []))];
  const b = new Builder();
  const env = new Env();
  env.bind(program.inputs, b.inputsLike(program.inputs));
  const places = new Map<Var, number>();
  program.outputs.slice(0, recorded).forEach((variable, output) => {
    if (!places.has(variable) && !program.inputs.includes(variable)) places.set(variable, output);
  });
  const tensors: number[] = [];
  for (const eqn of program.eqns) {
    env.bind(eqn.outputs, b.copy(eqn, env.all(eqn.inputs)));
    for (const variable of eqn.outputs) {
      const place = places.get(variable);
      if (place === undefined) continue;
      tensors.push(place);
      env.bind([variable], [b.input(variable.type, variable.name)]);
    }
  }
  const whole = withoutDeadCode(b.build(env.all(outputs.map((output) => program.outputs[output] as Var))));
  const read = new Set([...whole.eqns.flatMap((eqn) => eqn.inputs), ...whole.outputs]);
  const isRead = (_: unknown, at: number): boolean => read.has(whole.inputs[at] as Var);
  const count = program.inputs.length;
  return {
    outputs,
    program: { ...whole, inputs: whole.inputs.filter(isRead) },
    inputs: program.inputs.flatMap((_, input) => (isRead(_, input) ? [input] : [])),
    tensors: tensors.filter((_, i) => isRead(_, count + i)),
  };
}
