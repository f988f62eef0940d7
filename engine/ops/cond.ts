import { z } from 'zod';
import type { Builder } from '../program/builder.ts';
import type { Program, Var } from '../program/program.ts';
import { type Jvp, jvp } from '../transform/jvp.ts';
import { instantiate } from '../transform/tangents.ts';
import { transposeIn } from '../transform/transpose.ts';
import { unzip } from '../transform/unzip.ts';
import { vmapAll, withBatch } from '../transform/vmap.ts';
import { sameShape, type TensorType } from '../types.ts';
import { broadcastTo } from './broadcast-to.ts';
import { cast } from './cast.ts';
import { ge } from './ge.ts';
import { defineOp, type Op, operand, TypeMismatch } from './op.ts';
import { reshape } from './reshape.ts';
import { checkInputs, checkOutputs, program, programSchema, subgraphParam, typesOf, withUnread } from './subprogram.ts';
import { where } from './where.ts';

const params = z.strictObject({ branches: z.array(programSchema).min(1).max(64).readonly() });

/** The outputs of the branch that the selector numbers, on the other inputs. */
export const cond: Op<z.output<typeof params>> = defineOp({
  name: 'cond',
  family: 'control',
  doc: 'The outputs of sub-graph `then` on the operands when `condition` is true, else those of `else`. Only one of them runs.',
  operands: [operand('condition', 'any', false), operand('operands', 'any', false)],
  variadic: true,
  minimum: 1,
  broadcast: false,
  params,
  surface: {
    // biome-ignore lint/suspicious/noThenProperty: a schema is never awaited, and `then` is the word for it.
    params: z.strictObject({ then: subgraphParam, else: subgraphParam }),
    build: (b, [condition, ...operands], _, scope) => {
      if (condition.type.dtype !== 'bool' || condition.type.shape.length > 0) throw new TypeMismatch(0, 'bool');
      const types = typesOf(operands);
      const taken = scope.subgraph('then', types);
      const other = scope.subgraph('else', types);
      const takenProgram = withUnread(taken.program, [taken.captures.length, typesOf(other.captures)]);
      checkOutputs(taken.program, typesOf(other.program.outputs), 'then', "that of 'else'");
      const otherProgram = withUnread(other.program, [0, typesOf(taken.captures)]);
      return b.emit(cond, [cast(b, condition, { dtype: 'int32' }), ...taken.captures, ...other.captures, ...operands], {
        branches: [otherProgram, takenProgram],
      });
    },
  },
  type: ([selector, ...operands], { branches }) => {
    if (selector?.dtype !== 'int32' || selector.shape.length > 0) throw new TypeMismatch(0, 'i32');
    const [first] = branches as readonly [Program, ...Program[]];
    for (const branch of branches) {
      checkInputs(branch, operands, 1, 'branches');
      checkOutputs(branch, typesOf(first.outputs), 'branches', 'the other branch');
    }
    return typesOf(first.outputs);
  },
  jvp: (b, { x: [selector, ...operands], params: { branches }, outputs }, [, ...dx]) => {
    const active = operands.flatMap((_, i) => (dx[i] ? [i] : []));
    const derived = branches.map((branch) => jvp(branch, active));
    // An output has a tangent when it has one in some branch; the others give zeros.
    const carried = outputs.flatMap((_, i) => (derived.some(({ tangents }) => tangents[i] !== null) ? [i] : []));
    const parts = derived.map(({ program: both }) => unzip(both, operands.length, outputs.length));
    const residuals = parts.map(({ forward }) => typesOf(forward.outputs.slice(outputs.length)));
    const forwards = parts.map(({ forward }, k) =>
      program(typesOf(operands), (inner, inputs) => {
        const made = inner.inline(forward, inputs);
        const own = made.slice(outputs.length);
        const handedOn = residuals.flatMap((types, j) => (j === k ? own : types.map((type) => inner.full(0, type))));
        return [...made.slice(0, outputs.length), ...handedOn];
      }),
    );
    const linears = parts.map(({ linear }, k) => {
      const before = residuals.slice(0, k).flat();
      const after = residuals.slice(k + 1).flat();
      const own = linear.inputs.length - active.length;
      const full = withUnread(linear, [0, before], [own, after]);
      return program(typesOf(full.inputs), (inner, inputs) => {
        const dy = inner.inline(full, inputs);
        return carried.map((i) => {
          const place = (derived[k] as Jvp).tangents[i];
          return typeof place === 'number'
            ? (dy[place - outputs.length] as Var)
            : inner.full(0, outputs[i] as TensorType);
        });
      });
    });
    const made = b.emit(cond, [selector, ...operands], { branches: forwards });
    const tangents = [...made.slice(outputs.length), ...active.map((i) => dx[i] as Var)];
    const dy = b.emit(cond, [selector, ...tangents], { branches: linears });
    return {
      y: made.slice(0, outputs.length),
      dy: outputs.map((_, i) => (carried.includes(i) ? (dy[carried.indexOf(i)] as Var) : null)),
    };
  },
  transpose: (b, ct, { x: [selector, ...operands], params: { branches } }, [, ...linear]) => {
    const backward = branches.map((branch) => transposeIn(branch, linear));
    const [first] = branches as readonly [Program];
    const cotangents = first.outputs.map(({ type }, i) => instantiate(b, ct[i] ?? null, type));
    const known = operands.filter((_, i) => !linear[i]);
    const made = b.emit(cond, [selector, ...known, ...cotangents], { branches: backward });
    let next = 0;
    return [null, ...linear.map((wanted) => (wanted ? (made[next++] as Var) : null))];
  },
  batch: (b, { x: [selector, ...operands], params: { branches } }, [choices, ...batched], size) => {
    if (!choices) {
      const mapped = branches.map((branch) => vmapAll(branch, batched, size));
      const y = b.emit(cond, [selector, ...operands], { branches: mapped });
      return { y, batched: y.map(() => true) };
    }
    // Each example takes its own branch: all run, and each example's result is picked.
    const inputs = operands.map((input, i) => withBatch(b, input, batched[i] as boolean, size));
    const all = branches.map((branch) =>
      b.inline(
        vmapAll(
          branch,
          operands.map(() => true),
          size,
        ),
        inputs,
      ),
    );
    const [first, ...rest] = all as [Var[], ...Var[][]];
    const y = first.map((output, o) =>
      rest.reduce(
        (picked, outputs, k) => where(b, chosen(b, selector, k + 1, output), outputs[o] as Var, picked),
        output,
      ),
    );
    return { y, batched: y.map(() => true) };
  },
  simplify: (b, { x: [selector, ...operands], params: { branches } }) => {
    const known = b.uniform(selector);
    if (known === undefined) return null;
    return b.inline(branches[Math.min(Math.max(known, 0), branches.length - 1)] as Program, operands);
  },
  lower: { kind: 'branch', programs: ({ branches }) => branches },
  cases: [],
  samples: [],
});

/** Whether each example of the batch chose branch `k` or a later one, in the shape of an output; the last takes all above. */
function chosen(b: Builder, selector: Var, k: number, output: Var): Var {
  const matches = ge(b, selector, b.full(k, selector.type));
  const shape = output.type.shape;
  if (sameShape(shape, selector.type.shape)) return matches;
  return broadcastTo(b, reshape(b, matches, { shape: shape.map((size, axis) => (axis === 0 ? size : 1)) }), { shape });
}
