import { z } from 'zod';
import type { Program } from '../program/program.ts';
import { instantiate } from '../transform/tangents.ts';
import { vmapAll, withBatch } from '../transform/vmap.ts';
import { customLinear } from './custom-linear.ts';
import { defineOp, type Op, operand } from './op.ts';
import { checkInputs, checkOutputs, program, programSchema, subgraphParam, typesOf, withUnread } from './subprogram.ts';

const params = z.strictObject({ forward: programSchema, backward: programSchema });

/** A function with a pullback of the client's own. */
export const customVjp: Op<z.output<typeof params>> = defineOp({
  name: 'custom_vjp',
  aliases: ['custom_gradient'],
  family: 'control',
  doc:
    'The outputs of the sub-graph `forward` on the inputs. Reverse mode uses the sub-graph `backward` in the place of ' +
    "its derivative: from the inputs, the outputs and the outputs' cotangents to the inputs' cotangents.",
  operands: [operand('x', 'any', false)],
  variadic: true,
  broadcast: false,
  params,
  surface: {
    params: z.strictObject({ forward: subgraphParam, backward: subgraphParam }),
    build: (b, inputs, _, scope) => {
      const forward = scope.subgraph('forward', typesOf(inputs));
      const y = typesOf(forward.program.outputs);
      const backward = scope.subgraph('backward', [...typesOf(inputs), ...y, ...y]);
      // What either reads from outside is an input of both, to which no cotangent goes.
      const captured = [...forward.captures, ...backward.captures];
      const padded = withUnread(backward.program, [0, typesOf(forward.captures)]);
      return b.emit(customVjp, [...captured, ...inputs], {
        forward: withUnread(forward.program, [forward.captures.length, typesOf(backward.captures)]),
        backward: program(typesOf(padded.inputs), (inner, given) => [
          ...captured.map(({ type }) => inner.full(0, type)),
          ...inner.inline(padded, given),
        ]),
      });
    },
  },
  type: (types, { forward, backward }) => {
    checkInputs(forward, types, 0, 'forward');
    const y = typesOf(forward.outputs);
    checkInputs(backward, [...types, ...y, ...y], 0, 'backward');
    checkOutputs(backward, types, 'backward', 'the cotangent of that input');
    return y;
  },
  jvp: (b, { x, params: { forward, backward } }, dx) => {
    // The value stays a custom_vjp: a derivative of the derivative goes through it as well.
    const y = b.emit(customVjp, x, { forward, backward });
    const tangents = x.map((input, i) => instantiate(b, dx[i] ?? null, input.type));
    return { y, dy: b.emit(customLinear, [...x, ...y, ...tangents], { inputs: x.length, backward }) };
  },
  batch: (b, { x, params: { forward, backward } }, batched, size) => {
    const inputs = x.map((input, i) => withBatch(b, input, batched[i] as boolean, size));
    const all = (part: Program): Program =>
      vmapAll(
        part,
        part.inputs.map(() => true),
        size,
      );
    const y = b.emit(customVjp, inputs, { forward: all(forward), backward: all(backward) });
    return { y, batched: y.map(() => true) };
  },
  simplify: (b, { x, params: { forward } }) => b.inline(forward, x),
  lower: { kind: 'none', detail: 'custom_vjp is always expanded' },
  cases: [],
  samples: [],
});
