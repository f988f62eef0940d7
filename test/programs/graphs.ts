/** @file Programs written as text graphs, and their gradients. */
import { createEngine } from '../../engine/engine.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { build } from '../../engine/program/build.ts';
import type { Program } from '../../engine/program/program.ts';
import { gradient } from '../../engine/transform/compose.ts';
import { isFloat } from '../../engine/types.ts';
import { typeOf } from '../laws/table.ts';

/** The program of a text graph, its inputs' types as printed. */
export function graphProgram(graph: string, inputs: Readonly<Record<string, string>>): Program {
  const document = createEngine().readGraph(graph);
  const typed = Object.fromEntries(Object.entries(inputs).map(([name, type]) => [name, typeOf(type)]));
  return build({ ...document, inputs: typed }, new Map(), DEFAULT_LIMITS).program;
}

/** The float outputs and the gradient of their sum with respect to all floats; or the same of that gradient. */
export function derivative(program: Program, order = 1): Program {
  const sources = program.inputs.flatMap(({ type }, i) => (isFloat(type.dtype) ? [i] : []));
  const outputs = program.outputs.filter(({ type }) => isFloat(type.dtype));
  const first = gradient({ ...program, outputs }, outputs.length, sources);
  if (order === 1) return first;
  return derivative({ ...first, outputs: first.outputs.slice(outputs.length) }, order - 1);
}
