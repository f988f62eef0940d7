/** @file What every program must satisfy; run after each transform in tests. */
import { formatType, sameType } from '../types.ts';
import { type Program, subprograms, type Var } from './program.ts';

/**
 * Throws unless every variable is assigned once and before it is read, and every equation's outputs have the types its
 * op's type rule gives, in sub-programs too.
 */
export function verify(program: Program): void {
  const defined = new Set<Var>();
  const define = (variable: Var, where: string): void => {
    if (defined.has(variable)) throw new Error(`${where}: a variable is assigned twice`);
    defined.add(variable);
  };
  for (const input of program.inputs) define(input, 'inputs');
  program.eqns.forEach((eqn, at) => {
    const where = `equation ${at}, op ${eqn.op.name}`;
    eqn.inputs.forEach((input, i) => {
      if (!defined.has(input)) throw new Error(`${where}: input ${i} is read before it is assigned`);
    });
    const types = eqn.op.type(
      eqn.inputs.map((input) => input.type),
      eqn.params,
    );
    if (types.length !== eqn.outputs.length)
      throw new Error(`${where}: ${eqn.outputs.length} outputs for ${types.length} types`);
    eqn.outputs.forEach((output, i) => {
      const type = types[i] as Var['type'];
      if (!sameType(output.type, type))
        throw new Error(`${where}: output ${i} is ${formatType(output.type)}, its type rule says ${formatType(type)}`);
      define(output, where);
    });
    subprograms(eqn.params).forEach(verify);
  });
  program.outputs.forEach((output, i) => {
    if (!defined.has(output)) throw new Error(`output ${i} is never assigned`);
  });
}
