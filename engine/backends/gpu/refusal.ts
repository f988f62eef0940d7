/** @file Which programs the gpu runs: it has no float64 and no int64, and nothing is narrowed silently. */
import { type Program, subprograms, type Var } from '../../program/program.ts';
import { formatType } from '../../types.ts';

/** Why the gpu does not run a program: the first tensor that it cannot hold, as text; `undefined` where it runs it. */
export function gpuRefusal(program: Program): string | undefined {
  const programs = [program];
  for (const { inputs, eqns, outputs } of programs) {
    const wide = [...inputs, ...eqns.flatMap((eqn) => eqn.outputs), ...outputs].find(isWide);
    if (wide) {
      const name = wide.name === undefined ? 'a tensor' : `'${wide.name}'`;
      return `${name} is ${formatType(wide.type)}: the gpu computes in float32, int32 and bool`;
    }
    // The list grows while it is walked, so that nothing recurs.
    for (const { params } of eqns) programs.push(...subprograms(params));
  }
  return undefined;
}

function isWide({ type: { dtype } }: Var): boolean {
  return dtype === 'float64' || dtype === 'int64';
}
