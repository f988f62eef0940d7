import { z } from 'zod';
import type { Builder } from '../program/builder.ts';
import type { Program, Var } from '../program/program.ts';
import { type Jvp, jvp } from '../transform/jvp.ts';
import { instantiate } from '../transform/tangents.ts';
import { transposeIn } from '../transform/transpose.ts';
import { unzip } from '../transform/unzip.ts';
import { vmap, vmapAll, withBatch } from '../transform/vmap.ts';
import { formatType, type Shape, sameShape, type TensorType } from '../types.ts';
import { add } from './add.ts';
import { broadcastTo } from './broadcast-to.ts';
import { defineOp, type Op, operand, ParamMismatch, TypeMismatch } from './op.ts';
import { checkInputs, checkOutputs, program, programSchema, subgraphParam, typesOf } from './subprogram.ts';
import { transpose as permute } from './transpose.ts';

const params = z.strictObject({
  body: programSchema,
  /** How many inputs every step sees whole. */
  constants: z.number().int().min(0).max(100_000),
  /** How many inputs are the first step's state. */
  carried: z.number().int().min(0).max(100_000),
  length: z
    .number()
    .int()
    .min(0)
    .max(2 ** 31 - 1),
  reverse: z.boolean(),
});

type Params = z.output<typeof params>;

/** A loop of a fixed number of steps that carries state along and takes a slice of each `xs` at each step. */
export const scan: Op<Params> = defineOp({
  name: 'scan',
  family: 'control',
  doc:
    'Runs the sub-graph `body` once per step along axis 0 of the inputs after the first `carry` ones: it takes the state ' +
    "and this step's slices, and gives the next state and this step's results. Outputs: the last state, then the results stacked.",
  operands: [operand('inputs', 'any', false)],
  variadic: true,
  minimum: 0,
  broadcast: false,
  params,
  surface: {
    params: z.strictObject({
      body: subgraphParam,
      carry: z.number().int().min(0).max(1_000),
      length: z
        .number()
        .int()
        .min(0)
        .max(2 ** 31 - 1)
        .optional(),
      reverse: z.boolean().default(false),
    }),
    build: (b, inputs, { carry, length, reverse }, scope) => {
      if (carry > inputs.length)
        throw new ParamMismatch('carry', `carry ${carry} is more than the ${inputs.length} inputs`);
      const stacks = inputs.slice(carry);
      const steps = length ?? stacks[0]?.type.shape[0];
      if (steps === undefined) throw new ParamMismatch('length', 'a scan over nothing needs a length');
      const slices = stacks.map(({ type }, i) => sliceType(type, carry + i, steps));
      const { program: body, captures } = scope.subgraph('body', [...typesOf(inputs.slice(0, carry)), ...slices]);
      return b.emit(scan, [...captures, ...inputs], {
        body,
        constants: captures.length,
        carried: carry,
        length: steps,
        reverse,
      });
    },
  },
  type: (types, { body, constants, carried, length }) => {
    if (types.length < constants + carried) throw new ParamMismatch('carried', 'fewer inputs than constants and state');
    const state = types.slice(constants, constants + carried);
    const slices = types.slice(constants + carried).map((type, i) => sliceType(type, constants + carried + i, length));
    checkInputs(body, [...types.slice(0, constants + carried), ...slices], 0, 'body');
    checkOutputs(body, state, 'body', 'the state', true);
    const rows = typesOf(body.outputs.slice(carried));
    return [...state, ...rows.map(({ dtype, shape }) => ({ dtype, shape: [length, ...shape] }))];
  },
  jvp: (b, { x, params: { body, constants, carried, length, reverse }, outputs }, dx) => {
    const { derivative, active } = derive(body, constants, carried, dx);
    const isActive = new Set(active);
    const isResult = (i: number): boolean =>
      i < carried ? isActive.has(constants + i) : derivative.tangents[i] !== null;
    const values = body.outputs.length;
    const { forward, linear, residuals } = unzip(derivative.program, body.inputs.length, values);

    // A residual that is a constant of the loop is handed on once, not once a step.
    const handed = forward.outputs.slice(values);
    const numbers = new Map(forward.inputs.slice(0, constants).map((input, i) => [input, i]));
    const fixed = handed.map((residual) => numbers.get(residual) ?? -1);
    const stackedOut = handed.filter((_, i) => fixed[i] === -1);
    const made = b.emit(scan, x, {
      body: { ...forward, outputs: [...forward.outputs.slice(0, values), ...stackedOut] },
      constants,
      carried,
      length,
      reverse,
    });

    const tangentInputs = linear.inputs.slice(residuals);
    const kind = (i: number): 'constant' | 'state' | 'slice' =>
      i < constants ? 'constant' : i < constants + carried ? 'state' : 'slice';
    const tangentsOf = (wanted: string): Var[] => tangentInputs.filter((_, i) => kind(active[i] as number) === wanted);
    const residualsOf = (isFixed: boolean): Var[] =>
      linear.inputs.slice(0, residuals).filter((_, i) => (fixed[i] !== -1) === isFixed);
    const inputs = [
      ...residualsOf(true),
      ...tangentsOf('constant'),
      ...tangentsOf('state'),
      ...residualsOf(false),
      ...tangentsOf('slice'),
    ];
    const results = body.outputs.flatMap((_, i) => (isResult(i) ? [i] : []));
    const step = program(typesOf(inputs), (inner, given) => {
      const byInput = new Map(inputs.map((input, i) => [input, given[i] as Var]));
      const dy = inner.inline(
        linear,
        linear.inputs.map((input) => byInput.get(input) as Var),
      );
      return results.map((i) => {
        const place = derivative.tangents[i];
        return instantiate(
          inner,
          typeof place === 'number' ? (dy[place - values] as Var) : null,
          (body.outputs[i] as Var).type,
        );
      });
    });
    const given = (wanted: string): Var[] =>
      active.filter((i) => kind(i) === wanted).map((i) => instantiate(b, dx[i] ?? null, (x[i] as Var).type));
    const dy = b.emit(
      scan,
      [
        ...fixed.filter((i) => i !== -1).map((i) => x[i] as Var),
        ...given('constant'),
        ...given('state'),
        ...made.slice(values),
        ...given('slice'),
      ],
      {
        body: step,
        constants: residualsOf(true).length + tangentsOf('constant').length,
        carried: tangentsOf('state').length,
        length,
        reverse,
      },
    );
    const tangents = new Map(results.map((i, k) => [i, dy[k] as Var]));
    return { y: made.slice(0, values), dy: outputs.map((_, i) => tangents.get(i) ?? null) };
  },
  transpose: (b, ct, { x, params: { body, constants, carried, length, reverse } }, wanted) => {
    // State that starts at an explicit zero is linear all the same: the steps add tangents to it.
    const linear = wanted.map((flag, i) => flag || (i >= constants && i < constants + carried));
    const at = partition(x.length, constants, carried, linear);
    const backward = transposeIn(body, linear);
    const stateTypes = at.state.map((i) => (x[i] as Var).type);
    const sums = at.linearConstants.map((i) => (x[i] as Var).type);
    const known = [...at.constants, ...at.slices];
    const rows = typesOf(body.outputs.slice(carried));
    const step = program(
      [
        ...at.constants.map((i) => (body.inputs[i] as Var).type),
        ...stateTypes,
        ...sums,
        ...at.slices.map((i) => (body.inputs[i] as Var).type),
        ...rows,
      ],
      (inner, inputs) => {
        const take = taker(inputs);
        const fixed = take(at.constants.length);
        const state = take(stateTypes.length);
        const totals = take(sums.length);
        const slices = take(at.slices.length);
        const cotangents = take(rows.length);
        const given = [...fixed, ...slices];
        const values = new Map(known.map((i, k) => [i, given[k] as Var]));
        const made = inner.inline(backward, [
          ...[...known].sort((a, c) => a - c).map((i) => values.get(i) as Var),
          ...state,
          ...cotangents,
        ]);
        const takeMade = taker(made);
        const parts = takeMade(sums.length);
        const previous = takeMade(stateTypes.length);
        return [
          ...previous,
          ...totals.map((total, i) => add(inner, total, parts[i] as Var)),
          ...made.slice(sums.length + stateTypes.length),
        ];
      },
    );
    const made = b.emit(
      scan,
      [
        ...at.constants.map((i) => x[i] as Var),
        ...stateTypes.map((type, i) => instantiate(b, ct[i] ?? null, type)),
        ...sums.map((type) => b.full(0, type)),
        ...at.slices.map((i) => x[i] as Var),
        ...rows.map(({ dtype, shape }, i) =>
          instantiate(b, ct[carried + i] ?? null, { dtype, shape: [length, ...shape] }),
        ),
      ],
      {
        body: step,
        constants: at.constants.length,
        carried: stateTypes.length + sums.length,
        length,
        reverse: !reverse,
      },
    );
    const take = taker(made);
    const state = take(stateTypes.length);
    const given = new Map<number, Var>();
    at.linearConstants.forEach((i, k) => given.set(i, made[stateTypes.length + k] as Var));
    at.state.forEach((i, k) => given.set(i, state[k] as Var));
    at.linearSlices.forEach((i, k) => given.set(i, made[stateTypes.length + sums.length + k] as Var));
    return linear.map((_, i) => given.get(i) ?? null);
  },
  batch: (b, { x, params: { body, constants, carried, ...rest } }, batched, size) => {
    // State becomes batched when a step makes it so.
    const flags = [...batched];
    for (;;) {
      const next = vmap(body, flags, size).batched.slice(0, carried);
      const grown = next.findIndex((flag, i) => flag && !flags[constants + i]);
      if (grown === -1) break;
      next.forEach((flag, i) => {
        flags[constants + i] ||= flag;
      });
    }
    const wanted = body.outputs.map((_, i) => i < carried && (flags[constants + i] as boolean));
    const mapped = vmapAll(body, flags, size, wanted);
    const inputs = x.map((input, i) => {
      const isSlice = i >= constants + carried;
      if (isSlice) return batched[i] ? swapFirst(b, input) : input;
      return flags[i] ? withBatch(b, input, batched[i] as boolean, size) : input;
    });
    const made = b.emit(scan, inputs, { body: mapped, constants, carried, ...rest });
    const isBatched = body.outputs.map((output, i) =>
      i < carried
        ? (flags[constants + i] as boolean)
        : (mapped.outputs[i] as Var).type.shape.length > output.type.shape.length,
    );
    return {
      y: made.map((output, i) => (i >= carried && isBatched[i] ? swapFirst(b, output) : output)),
      batched: isBatched,
    };
  },
  simplify: (b, { x, params }) => handedThrough(b, x, params),
  lower: {
    kind: 'loop',
    loop: ({ body, constants, carried, length, reverse }) => ({ body, constants, carried, trips: length, reverse }),
  },
  cases: [],
  samples: [],
});

/**
 * Without what the steps only hand through: a slice that is the same in every step is a constant, a result that is a
 * constant or a slice is that input, and what no step reads is no input.
 */
function handedThrough(b: Builder, x: readonly Var[], params: Params): readonly Var[] | null {
  const { body, constants, carried, length, reverse } = params;
  const first = constants + carried;
  const inputs = new Map(body.inputs.map((input, i) => [input, i]));
  const places = body.outputs.map((output, i) => (i < carried ? -1 : (inputs.get(output) ?? -1)));
  const isHanded = (i: number): boolean => i >= 0 && (i < constants || i >= first);
  // What was handed through need not be an input for that.
  const kept = body.outputs.filter((_, i) => !isHanded(places[i] as number));
  const read = new Set([...kept, ...body.eqns.flatMap(({ inputs }) => inputs)]);
  const repeated = x.map((input, i) => (i < first ? undefined : repeatedSlice(b, input)));
  const isNeeded = body.inputs.map((input, i) => (i >= constants && i < first) || read.has(input));
  if (isNeeded.every(Boolean) && repeated.every((slice) => !slice) && kept.length === body.outputs.length) return null;
  const numbers = body.inputs.map((_, i) => i).filter((i) => isNeeded[i]);
  const fixed = numbers.filter((i) => i < constants || repeated[i]);
  const state = numbers.filter((i) => i >= constants && i < first);
  const slices = numbers.filter((i) => i >= first && !repeated[i]);
  const order = [...fixed, ...state, ...slices];
  const made = b.emit(
    scan,
    order.map((i) => repeated[i] ?? (x[i] as Var)),
    {
      body: { ...body, inputs: order.map((i) => body.inputs[i] as Var), outputs: kept },
      constants: fixed.length,
      carried,
      length,
      reverse,
    },
  );
  let next = 0;
  return places.map((place) => {
    if (!isHanded(place)) return made[next++] as Var;
    const given = x[place] as Var;
    return place < constants ? broadcastTo(b, given, { shape: [length, ...given.type.shape] }) : given;
  });
}

/** What every slice along axis 0 is, where all are the same by how the stack was made. */
function repeatedSlice(b: Builder, stack: Var): Var | undefined {
  const eqn = b.producer(stack);
  const [source] = eqn?.op === broadcastTo ? eqn.inputs : [];
  return source && sameShape(source.type.shape, stack.type.shape.slice(1)) ? source : undefined;
}

/** The body's derivative, with as many states active as stay active from step to step. */
function derive(
  body: Program,
  constants: number,
  carried: number,
  dx: readonly (Var | null)[],
): { readonly derivative: Jvp; readonly active: readonly number[] } {
  const isActive = dx.map((tangent) => tangent !== null);
  for (;;) {
    const active = isActive.flatMap((flag, i) => (flag ? [i] : []));
    const derivative = jvp(body, active);
    let grew = false;
    for (let i = 0; i < carried; i++) {
      if (derivative.tangents[i] === null || isActive[constants + i]) continue;
      isActive[constants + i] = true;
      grew = true;
    }
    if (!grew) return { derivative, active };
  }
}

interface Parts {
  readonly constants: readonly number[];
  readonly linearConstants: readonly number[];
  readonly state: readonly number[];
  readonly slices: readonly number[];
  readonly linearSlices: readonly number[];
}

/** The inputs of a scan that is linear in those flagged, by their parts in it. */
function partition(count: number, constants: number, carried: number, linear: readonly boolean[]): Parts {
  const range = (from: number, to: number, flag: boolean): number[] =>
    Array.from({ length: to - from }, (_, i) => from + i).filter((i) => linear[i] === flag);
  return {
    constants: range(0, constants, false),
    linearConstants: range(0, constants, true),
    state: range(constants, constants + carried, true),
    slices: range(constants + carried, count, false),
    linearSlices: range(constants + carried, count, true),
  };
}

/** Takes a list apart from its front. */
function taker<T>(list: readonly T[]): (count: number) => readonly T[] {
  let at = 0;
  return (count) => {
    at += count;
    return list.slice(at - count, at);
  };
}

function sliceType(type: TensorType, input: number, length: number): TensorType {
  const [steps, ...shape] = type.shape as readonly [number | undefined, ...Shape];
  if (steps !== length)
    throw new TypeMismatch(input, `${formatType({ dtype: type.dtype, shape: [length, ...shape] })}, one slice a step`);
  return { dtype: type.dtype, shape };
}

/** Axes 0 and 1 exchanged: the batch and the steps. */
function swapFirst(b: Builder, x: Var): Var {
  return permute(b, x, { axes: x.type.shape.map((_, axis) => (axis === 0 ? 1 : axis === 1 ? 0 : axis)) });
}
