/** @file What the ops that hold sub-programs share. */
import { z } from 'zod';
import { Builder } from '../program/builder.ts';
import { isProgram, type Program, type Var } from '../program/program.ts';
import { formatType, sameType, type TensorType } from '../types.ts';
import { ParamMismatch, TypeMismatch } from './op.ts';

/** A sub-program as a param of an equation. */
export const programSchema = z.custom<Program>(isProgram);

/** A sub-graph as a param of a node; the document checker reads it. */
export const subgraphParam = z.record(z.string().max(64), z.unknown());

/** Throws unless the sub-program takes tensors of these types; `first` is the op's input that they begin at. */
export function checkInputs(
  program: Program,
  types: readonly (TensorType | undefined)[],
  first: number,
  param: string,
): void {
  if (program.inputs.length !== types.length)
    throw new ParamMismatch(param, `sub-graph '${param}' takes ${program.inputs.length} inputs, given ${types.length}`);
  program.inputs.forEach(({ type }, i) => {
    if (!sameType(type, types[i] as TensorType)) throw new TypeMismatch(first + i, formatType(type));
  });
}

/** Throws unless the sub-program's outputs have these types; `more` allows others after them. */
export function checkOutputs(
  program: Program,
  types: readonly TensorType[],
  param: string,
  what: string,
  more = false,
): void {
  const count = program.outputs.length;
  if (count < types.length || (count > types.length && !more))
    throw new ParamMismatch(
      param,
      `sub-graph '${param}' has ${count} outputs, expected ${types.length}${more ? ' or more' : ''}`,
    );
  types.forEach((type, i) => {
    const output = program.outputs[i] as Var;
    if (!sameType(output.type, type))
      throw new ParamMismatch(
        param,
        `output ${i} of sub-graph '${param}' is ${formatType(output.type)}, expected ${formatType(type)} as ${what}`,
      );
  });
}

/** A program from inputs of these types and what `emit` makes of them. */
export function program(
  types: readonly TensorType[],
  emit: (b: Builder, inputs: readonly Var[]) => readonly Var[],
): Program {
  const b = new Builder();
  const inputs = types.map((type) => b.input(type));
  return b.build(emit(b, inputs));
}

/** The types of variables. */
export function typesOf(variables: readonly Var[]): TensorType[] {
  return variables.map((variable) => variable.type);
}

/** The same program with inputs that it does not read, put before the input at each place. */
export function withUnread(
  subprogram: Program,
  ...added: readonly (readonly [number, readonly TensorType[]])[]
): Program {
  const inputs: Var[] = [];
  for (let i = 0; i <= subprogram.inputs.length; i++) {
    for (const [place, types] of added)
      if (place === i) inputs.push(...types.map((type) => ({ type, name: undefined })));
    const own = subprogram.inputs[i];
    if (own) inputs.push(own);
  }
  return { ...subprogram, inputs };
}
