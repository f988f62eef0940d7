/**
 * @file Batching: a program on one example becomes a program on a batch, with the batch as axis 0 of every batched
 * variable. What does not depend on a batched input stays unbatched and is computed once.
 */

import { broadcastTo } from '../ops/broadcast-to.ts';
import type { BatchRule, Vars } from '../ops/op.ts';
import { Builder, Env } from '../program/builder.ts';
import type { Eqn, Program, Var } from '../program/program.ts';

/** A batched program. */
export interface Vmapped {
  readonly program: Program;
  /** For each output, whether it has the batch as axis 0. */
  readonly batched: readonly boolean[];
}

/** The program on batches of `size`; `batched[i]` says whether input `i` has the batch as its axis 0. */
export function vmap(program: Program, batched: readonly boolean[], size: number): Vmapped {
  const b = new Builder();
  const env = new Env();
  const isBatched = new Set<Var>();
  program.inputs.forEach((input, i) => {
    const { dtype, shape } = input.type;
    if (batched[i]) isBatched.add(input);
    env.bind([input], [b.input({ dtype, shape: batched[i] ? [size, ...shape] : shape }, input.name)]);
  });
  for (const eqn of program.eqns) {
    const x = env.all(eqn.inputs);
    const flags = eqn.inputs.map((input) => isBatched.has(input));
    b.node = eqn.node;
    const made = flags.includes(true)
      ? batchEqn(b, eqn, x, flags, size)
      : { y: b.copy(eqn, x), batched: eqn.outputs.map(() => false) };
    env.bind(eqn.outputs, made.y);
    eqn.outputs.forEach((output, i) => {
      if (made.batched[i]) isBatched.add(output);
    });
  }
  return {
    program: b.build(env.all(program.outputs)),
    batched: program.outputs.map((output) => isBatched.has(output)),
  };
}

/** The program on batches with every output batched, or those that `wanted` flags at least. */
export function vmapAll(
  program: Program,
  batched: readonly boolean[],
  size: number,
  wanted: readonly boolean[] = program.outputs.map(() => true),
): Program {
  const mapped = vmap(program, batched, size);
  if (!wanted.some((flag, i) => flag && !mapped.batched[i])) return mapped.program;
  const b = new Builder();
  const inputs = b.inputsLike(mapped.program.inputs);
  const outputs = b.inline(mapped.program, inputs);
  return b.build(outputs.map((output, i) => (wanted[i] && !mapped.batched[i] ? repeat(b, output, size) : output)));
}

/** A variable repeated along a new axis 0. */
export function repeat(b: Builder, x: Var, size: number): Var {
  return broadcastTo(b, x, { shape: [size, ...x.type.shape] });
}

/** A batched or unbatched variable as a batched one of `rank` axes beside the batch. */
export function withBatch(b: Builder, x: Var, isBatched: boolean, size: number): Var {
  return isBatched ? x : repeat(b, x, size);
}

function batchEqn(
  b: Builder,
  eqn: Eqn,
  x: readonly Var[],
  batched: readonly boolean[],
  size: number,
): { readonly y: readonly Var[]; readonly batched: readonly boolean[] } {
  const { batch } = eqn.op;
  if (batch !== 'pointwise')
    return (batch as BatchRule<unknown>)(b, { x: x as unknown as Vars, params: eqn.params }, batched, size);
  const inputs = x.map((input, i) => withBatch(b, input, batched[i] as boolean, size));
  return { y: b.emit(eqn.op, inputs, eqn.params), batched: eqn.outputs.map(() => true) };
}
