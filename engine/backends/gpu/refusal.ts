/** @file Which programs a gpu runs: it has no float64 and no int64, and nothing is narrowed silently. */
import { type Program, subprograms, type Var } from '../../program/program.ts';
import { type DType, formatType, sizeOf } from '../../types.ts';

/** What a gpu can hold. */
export interface Holds {
  readonly dtypes: readonly DType[];
  /** Elements of one tensor at most. */
  readonly elements: number;
}

/** What the gpu can hold through WebGPU: positions are int32. */
export const WEBGPU: Holds = { dtypes: ['float32', 'int32', 'bool'], elements: 2 ** 31 - 1 };

/** Why the gpu does not run a program: the first tensor that it cannot hold, as text; `undefined` where it runs it. */
export function gpuRefusal(program: Program, { dtypes, elements }: Holds = WEBGPU): string | undefined {
  const programs = [program];
  for (const { inputs, eqns, outputs } of programs) {
    const isHeld = ({ type: { dtype, shape } }: Var): boolean => dtypes.includes(dtype) && sizeOf(shape) <= elements;
    const other = [...inputs, ...eqns.flatMap((eqn) => eqn.outputs), ...outputs].find((each) => !isHeld(each));
    if (other) {
      const name = other.name === undefined ? 'a tensor' : `'${other.name}'`;
      return `${name} is ${formatType(other.type)}: the gpu holds ${dtypes.join(', ')}, ${elements} elements at most`;
    }
    // The list grows while it is walked, so that nothing recurs.
    for (const { params } of eqns) programs.push(...subprograms(params));
  }
  return undefined;
}
