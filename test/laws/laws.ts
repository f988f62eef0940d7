/**
 * @file The laws: what must hold of every program. Each takes a subject and random numbers, and throws where it is
 * broken. No law knows an op.
 */
import type { Backend } from '../../engine/backends/backend.ts';
import { lay, type Plan, plan } from '../../engine/compile/plan.ts';
import { EngineError } from '../../engine/errors.ts';
import { decodeBytes, decodeTensor, encodeBytes, tensorToJson } from '../../engine/formats/tensor.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { type CotangentRule, ruleFor } from '../../engine/ops/op.ts';
import { bindValue } from '../../engine/program/bind.ts';
import { hashProgram } from '../../engine/program/hash.ts';
import { parse } from '../../engine/program/parse.ts';
import { print } from '../../engine/program/print.ts';
import { type Program, subprograms, type Var } from '../../engine/program/program.ts';
import { verify } from '../../engine/program/verify.ts';
import { pullback, pushforward } from '../../engine/transform/compose.ts';
import { type Link, links } from '../../engine/transform/connect.ts';
import { jvp } from '../../engine/transform/jvp.ts';
import { simplify } from '../../engine/transform/simplify.ts';
import { transpose } from '../../engine/transform/transpose.ts';
import { unzip } from '../../engine/transform/unzip.ts';
import { vmap, vmapAll } from '../../engine/transform/vmap.ts';
import { allocateArray, isFloat, type Tensor, type TensorType, type TypedArray } from '../../engine/types.ts';
import { EXACT, expectSame, ROUNDED, type Tolerance } from './compare.ts';
import { draw, drawSpecial, isExtreme, type Random } from './draw.ts';
import { checkPlan, counted, poisoned } from './memory.ts';
import {
  BACKENDS,
  DEFINITION,
  dataOf,
  evaluate,
  evaluateAsItIs,
  interpret,
  NATIVE,
  runPlan,
  runSeveral,
  sliceOf,
  stackOf,
} from './run.ts';
import { ROWS, type Subject } from './table.ts';
import { widened } from './widen.ts';

/** A law: throws where it is broken. */
export type Law = (subject: Subject, random: Random) => void;

/** Thrown at a point where a law says nothing: a corner, or a derivative that is not finite. */
class OutOfDomain extends Error {}

/** Runs a check at a point that may lie anywhere; says whether the law had anything to say there. */
export function insideDomain(check: () => void): boolean {
  try {
    check();
    return true;
  } catch (reason) {
    if (reason instanceof OutOfDomain) return false;
    throw reason;
  }
}

const OPS_BY_NAME = new Map(ROWS.map((op) => [op.name, op]));

/** Inputs of a subject, drawn from where it says. */
export function drawInputs({ program, domains }: Subject, random: Random): TypedArray[] {
  return program.inputs.map(({ type }, i) => draw(type, random, domains[i]));
}

/** The backends that round where the reference does. */
const IN_JAVASCRIPT = BACKENDS.filter((backend) => backend !== NATIVE);
/** The backend that has its own roundings and order of sums, where there is one. */
const IN_NATIVE_CODE = BACKENDS.filter((backend) => backend === NATIVE);

/** Each backend gives what the reference gives, within its own tolerance table; at the ends of the dtypes too. */
export const agree =
  (backends: readonly Backend[], leftOut: (program: Program) => ((x: number) => boolean) | undefined): Law =>
  (subject, random) => {
    const { program } = subject;
    const isLeftOut = leftOut(program);
    // Integers wrap around in any order, unless they are made floats first.
    const isMixed = foldsFloats(program);
    const special = program.inputs.map(({ type }) =>
      drawSpecial(type, random, isMixed || isFloat(type.dtype) ? isLeftOut : undefined),
    );
    for (const inputs of [drawInputs(subject, random), special]) {
      const expected = evaluate(program, inputs, DEFINITION);
      for (const backend of backends)
        expectSame(evaluate(program, inputs, backend), expected, orExact(backend.tolerance), backend.name);
    }
  };

/** Whether sums and the like are taken in a program. */
export function hasFolds(program: Program): boolean {
  return program.eqns.some(({ op, params }) => op.lower.kind === 'reduce' || subprograms(params).some(hasFolds));
}

function foldsFloats(program: Program): boolean {
  return program.eqns.some(
    ({ op, inputs, params }) =>
      (op.lower.kind === 'reduce' && inputs.some(({ type }) => isFloat(type.dtype))) ||
      subprograms(params).some(foldsFloats),
  );
}

const backendsAgree = agree(IN_JAVASCRIPT, () => undefined);
const nativeAgrees = agree(IN_NATIVE_CODE, (program) => (hasFolds(program) ? isExtreme : undefined));

/** A tolerance of zero asks for the same bits. */
function orExact(tolerance: Tolerance): Tolerance {
  return tolerance.float32 === 0 && tolerance.float64 === 0 ? EXACT : tolerance;
}

/** What comes out has the types that the program says. */
const typesAreTrue: Law = (subject, random) => {
  const { program } = subject;
  verify(program);
  const outputs = evaluate(program, drawInputs(subject, random));
  const empty = program.outputs.map(({ type }) => ({ type, data: allocateArray(type.dtype, sizeOf(type)) }));
  outputs.forEach(({ type, data }, i) => {
    const expected = empty[i] as Tensor;
    expectSame([{ type, data: allocateArray(type.dtype, sizeOf(type)) }], [expected], EXACT, 'type');
    if (data.constructor !== expected.data.constructor || data.length !== expected.data.length)
      throw new Error(`output ${i} holds ${data.length} elements of ${data.constructor.name}`);
    if (type.dtype === 'bool' && data.some((element: number | bigint) => element !== 0 && element !== 1))
      throw new Error(`output ${i} is a bool that is neither 0 nor 1`);
  });
};

function sizeOf({ shape }: TensorType): number {
  return shape.reduce((total, size) => total * size, 1);
}

/** The inputs that derivatives are taken with respect to. */
function sourcesOf(program: Program): number[] {
  return program.inputs.flatMap(({ type }, i) => (isFloat(type.dtype) ? [i] : []));
}

const BLOCKED: readonly Link[] = ['stop_gradient', 'through_state', 'no_gradient_defined'];

/**
 * The inputs that differences can be taken along: not those whose derivative is cut off on purpose, and none where a
 * variable is written, whose new value is to derivatives the variable itself.
 */
function variedIn(program: Program): number[] {
  if (program.eqns.some(({ op }) => op.writes !== undefined)) return [];
  const linkOf = links(program, program.outputs);
  return sourcesOf(program).filter((i) => !BLOCKED.includes(linkOf(program.inputs[i] as Var)));
}

/** The subject with the outputs that can have derivatives alone; none when there are none, or no inputs to vary. */
function differentiable(subject: Subject): Subject | undefined {
  const outputs = subject.program.outputs.filter(({ type }) => isFloat(type.dtype));
  if (outputs.length === 0 || sourcesOf(subject.program).length === 0) return undefined;
  return { ...subject, program: { ...subject.program, outputs } };
}

/** Whether a program can be run once it is simplified: some rows exist to be transposed away. */
export function isRunnable(program: Program): boolean {
  return simplify(program).eqns.every(
    ({ op, params }) => op.lower.kind !== 'none' && subprograms(params).every(isRunnable),
  );
}

/** The program, or what it is simplified to when only that can be run. */
function runnable(program: Program): Program {
  return hasUnlowered(program) ? simplify(program) : program;
}

function hasUnlowered(program: Program): boolean {
  return program.eqns.some(({ op, params }) => op.lower.kind === 'none' || subprograms(params).some(hasUnlowered));
}

/** The primal outputs of jvp are the program's own, to the bit. */
const primalIsValue: Law = (subject, random) => {
  const { program } = subject;
  const derived = jvp(program, sourcesOf(program)).program;
  verify(derived);
  const inputs = drawInputs(subject, random);
  const tangents = sourcesOf(program).map((i) => draw((program.inputs[i] as Var).type, random));
  if (!isRunnable(program)) return;
  const primal = { ...derived, outputs: derived.outputs.slice(0, program.outputs.length) };
  expectSame(evaluate(primal, [...inputs, ...tangents]), evaluate(program, inputs), EXACT, 'primal');
};

/** The pushforward is the central difference. */
const jvpIsDifference: Law = (subject, random) => {
  const smooth = differentiable(subject);
  if (!smooth) return;
  const program = widened(smooth.program);
  const sources = variedIn(program);
  const derived = verified(pushforward(program, program.outputs.length, sources, undefined));
  const inputs = drawInputs({ ...smooth, program }, random);
  const tangents = sources.map((i) => draw((program.inputs[i] as Var).type, random));
  if (!isRunnable(derived)) return refusesForwardMode(derived, [...inputs, ...tangents]);
  const actual = evaluate(derived, [...inputs, ...tangents]).slice(program.outputs.length);
  expectSame(actual, difference(program, inputs, sources, tangents), DIFFERENCES, 'jvp');
};

/** The pullback's product with a direction is the central difference's. */
const pullbackIsDifference: Law = (subject, random) => {
  const smooth = differentiable(subject);
  if (!smooth) return;
  const program = widened(smooth.program);
  const sources = variedIn(program);
  const derived = verified(pullback(program, program.outputs.length, sources, undefined));
  const inputs = drawInputs({ ...smooth, program }, random);
  const tangents = sources.map((i) => draw((program.inputs[i] as Var).type, random));
  const cotangents = program.outputs.map(({ type }) => draw(type, random));
  const gradients = evaluate(derived, [...inputs, ...cotangents]).slice(program.outputs.length);
  const expected = difference(program, inputs, sources, tangents);
  expectClose(inner(dataOf(gradients), tangents), inner(cotangents, dataOf(expected)), DIFFERENCES.float64, 'vjp');
};

const DIFFERENCES: Tolerance = { float32: 1e-7, float64: 1e-7 };
const STEP = 1e-4;

/** The derivative along a direction by five points; throws `OutOfDomain` where two steps disagree. */
function difference(
  program: Program,
  inputs: readonly TypedArray[],
  sources: readonly number[],
  tangents: readonly TypedArray[],
): Tensor[] {
  const along = (step: number): Tensor[] => {
    const at = (k: number): Tensor[] => evaluate(program, moved(inputs, sources, tangents, k * step));
    const [back2, back, ahead, ahead2] = [at(-2), at(-1), at(1), at(2)] as const;
    return program.outputs.map(({ type }, o) => {
      const of = (tensors: readonly Tensor[], i: number): number => (tensors[o] as Tensor).data[i] as number;
      const data = Float64Array.from(
        { length: sizeOf(type) },
        (_, i) => (of(back2, i) - of(ahead2, i) + 8 * (of(ahead, i) - of(back, i))) / (12 * step),
      );
      return { type, data };
    });
  };
  const found = along(STEP);
  if (!dataOf(found).every(allFinite)) throw new OutOfDomain('a difference is not finite');
  try {
    expectSame(along(STEP * 0.7), found, DIFFERENCES, 'difference');
  } catch (reason) {
    throw new OutOfDomain(`the program is not smooth here: ${(reason as Error).message}`);
  }
  return found;
}

function moved(
  inputs: readonly TypedArray[],
  sources: readonly number[],
  tangents: readonly TypedArray[],
  by: number,
): TypedArray[] {
  const all = [...inputs];
  sources.forEach((source, s) => {
    const tangent = tangents[s] as Float64Array;
    all[source] = (all[source] as Float64Array).map((x, i) => x + by * (tangent[i] as number));
  });
  return all;
}

/** A program without a forward mode says so. */
function refusesForwardMode(program: Program, inputs: readonly TypedArray[]): void {
  try {
    evaluate(program, inputs);
  } catch (reason) {
    if (reason instanceof EngineError && reason.code === 'not_differentiable') return;
    throw reason;
  }
  throw new Error('a program without a forward mode was run');
}

function verified(program: Program): Program {
  verify(program);
  return program;
}

/** The sum of products, in float64. */
function inner(a: readonly TypedArray[], b: readonly TypedArray[]): { readonly sum: number; readonly scale: number } {
  let sum = 0;
  let scale = 1;
  a.forEach((left, k) => {
    for (let i = 0; i < left.length; i++) {
      const term = Number(left[i]) * Number((b[k] as TypedArray)[i]);
      sum += term;
      scale += Math.abs(term);
    }
  });
  return { sum, scale };
}

function expectClose(
  a: { readonly sum: number; readonly scale: number },
  b: { readonly sum: number; readonly scale: number },
  tolerance: number,
  what: string,
): void {
  if (Math.abs(a.sum - b.sum) <= tolerance * Math.max(a.scale, b.scale)) return;
  throw new Error(`${what}: the inner products are ${a.sum} and ${b.sum}`);
}

/** The program with its derivative along all inputs that have one. */
export function derivativeOf(program: Program): Program {
  return jvp(program, sourcesOf(program)).program;
}

interface Split {
  readonly program: Program;
  readonly both: Program;
  readonly forward: Program;
  readonly linear: Program;
  readonly residuals: number;
  readonly sources: readonly number[];
}

/** The program split where it is differentiated, each part verified. */
function split(program: Program): Split {
  const sources = sourcesOf(program);
  const both = verified(jvp(program, sources).program);
  const { forward, linear, residuals } = unzip(both, program.inputs.length, program.outputs.length);
  return { program, both, forward: verified(forward), linear: verified(linear), residuals, sources };
}

/** The forward part and then the linear part are the jvp. */
const linearizeIsJvp: Law = (subject, random) => {
  const { program, both, forward, linear, sources } = split(subject.program);
  if (!isRunnable(both)) return;
  const inputs = drawInputs(subject, random);
  const tangents = sources.map((i) => draw((program.inputs[i] as Var).type, random));
  const made = evaluate(forward, inputs);
  const values = made.slice(0, program.outputs.length);
  const pushed = evaluate(linear, [...dataOf(made.slice(program.outputs.length)), ...tangents]);
  expectSame([...values, ...pushed], evaluate(both, [...inputs, ...tangents]), ROUNDED, 'linearized');
};

/** ⟨ct, J dx⟩ = ⟨Jᵀ ct, dx⟩. */
const transposeIsAdjoint: Law = (subject, random) => {
  const { program, both, forward, linear, residuals, sources } = split(subject.program);
  const backward = verified(transpose(linear, residuals));
  if (!isRunnable(both)) return;
  const inputs = drawInputs(subject, random);
  const known = dataOf(evaluate(forward, inputs).slice(program.outputs.length));
  const tangents = sources.map((i) => draw((program.inputs[i] as Var).type, random));
  const cotangents = linear.outputs.map(({ type }) => draw(type, random));
  const pushed = dataOf(evaluate(linear, [...known, ...tangents]));
  const pulled = dataOf(evaluate(backward, [...known, ...cotangents]));
  if (![...pushed, ...pulled].every(allFinite)) throw new OutOfDomain('a derivative is not finite');
  expectClose(inner(cotangents, pushed), inner(pulled, tangents), 100 * toleranceOf(program), 'transpose');
};

function allFinite(data: TypedArray): boolean {
  return data.every((element: number | bigint) => Number.isFinite(Number(element)));
}

/** The tolerance of the least precise float among inputs and outputs. */
function toleranceOf(program: Program): number {
  const floats = [...program.inputs, ...program.outputs, ...program.eqns.flatMap(({ outputs }) => outputs)];
  return floats.some(({ type }) => type.dtype === 'float32') ? ROUNDED.float32 : ROUNDED.float64;
}

/**
 * What an op's transpose declares it linear in, it is: f(a u + b v) = a f(u) + b f(v), of the change from an origin. An
 * op that is its own tangent is so in all such inputs together, and from the origin zero; any other in each by itself.
 */
const declaredLinearityHolds: Law = (subject, random) => {
  const { program } = subject;
  const [eqn, ...others] = program.eqns;
  if (!eqn || others.length > 0 || new Set(eqn.inputs).size < eqn.inputs.length) return;
  if (!Array.isArray(eqn.op.transpose) || !program.outputs.every(({ type }) => isFloat(type.dtype))) return;
  const rules = eqn.op.transpose as readonly (CotangentRule<unknown> | null)[];
  const declared = eqn.inputs.flatMap((input, i) =>
    ruleFor(rules, i) !== null && isFloat(input.type.dtype) ? [program.inputs.indexOf(input)] : [],
  );
  if (eqn.op.jvp === 'linear') expectLinear(subject, declared, () => 0, random);
  else for (const i of declared) expectLinear(subject, [i], () => 4 * random() - 2, random);
};

function expectLinear(subject: Subject, group: readonly number[], origin: () => number, random: Random): void {
  const { program } = subject;
  if (group.length === 0) return;
  const [a, b] = [1.75, -0.625];
  const fixed = drawInputs(subject, random) as Float64Array[];
  const start = fixed.map((data, i) => (group.includes(i) ? data.map(origin) : data));
  const [u, v] = [drawInputs(subject, random), drawInputs(subject, random)] as [Float64Array[], Float64Array[]];
  // What the op is not linear in is held fixed.
  const valueAt = (move: (i: number, k: number) => number): TypedArray[] =>
    dataOf(
      evaluate(
        program,
        fixed.map((data, i) => (group.includes(i) ? start[i]!.map((from, k) => from + move(i, k)) : data)),
      ),
    );
  const at0 = valueAt(() => 0) as Float64Array[];
  const atU = valueAt((i, k) => u[i]![k]!) as Float64Array[];
  const atV = valueAt((i, k) => v[i]![k]!) as Float64Array[];
  const atBoth = valueAt((i, k) => a * u[i]![k]! + b * v[i]![k]!);
  const expected = at0.map((zero, o) => zero.map((z, k) => z + a * (atU[o]![k]! - z) + b * (atV[o]![k]! - z)));
  const typed = (arrays: readonly TypedArray[]): Tensor[] =>
    arrays.map((data, o) => ({ type: program.outputs[o]!.type, data }));
  const tolerance = toleranceOf(program);
  expectSame(
    typed(atBoth),
    typed(expected),
    { float32: tolerance, float64: tolerance },
    `linear combination in inputs ${group}`,
  );
}

/** Derivatives of derivatives: each is the difference of the first ones, and the orders of modes agree. */
const secondOrderHolds: Law = (subject, random) => {
  const smooth = differentiable(subject);
  if (!smooth) return;
  const { program } = smooth;
  const [outputs, sources] = [program.outputs.length, sourcesOf(program)];
  const pulled = derivatives(pullback(program, outputs, sources, undefined), outputs);
  jvpIsDifference({ ...smooth, program: pulled }, random);
  const pushed = derivatives(pushforward(program, outputs, sources, undefined), outputs);
  if (!isRunnable(pushed)) return;
  jvpIsDifference({ ...smooth, program: pushed }, random);
  modesAgree({ ...smooth, program }, pulled, pushed, random);
};

/** The program with its derivatives alone as outputs. */
function derivatives(program: Program, values: number): Program {
  return { ...program, outputs: program.outputs.slice(values) };
}

/** d/dx ⟨ct, J(x) dx⟩ by forward over reverse, reverse over forward and reverse over reverse. */
function modesAgree({ program, domains }: Subject, pulled: Program, pushed: Program, random: Random): void {
  const sources = sourcesOf(program);
  const inputs = drawInputs({ name: '', program, domains }, random);
  const tangents = sources.map((i) => draw((program.inputs[i] as Var).type, random));
  const cotangents = program.outputs.map(({ type }) => draw(type, random));
  const count = sources.length;
  const forwardOverReverse = evaluate(verified(pushforward(pulled, count, sources, undefined)), [
    ...inputs,
    ...cotangents,
    ...tangents,
  ]).slice(count);
  const reverseOverForward = evaluate(verified(pullback(pushed, pushed.outputs.length, sources, undefined)), [
    ...inputs,
    ...tangents,
    ...cotangents,
  ]).slice(pushed.outputs.length);
  const reverseOverReverse = evaluate(verified(pullback(pulled, count, sources, undefined)), [
    ...inputs,
    ...cotangents,
    ...tangents,
  ]).slice(count);
  const tolerance = { float32: 1e-4, float64: 1e-10 };
  expectSame(reverseOverForward, forwardOverReverse, tolerance, 'reverse over forward');
  expectSame(reverseOverReverse, forwardOverReverse, tolerance, 'reverse over reverse');
}

/** The batched program is the loop over examples, for every pattern of batched inputs. */
const vmapIsLoop: Law = (subject, random) => {
  const { program } = subject;
  for (const batched of patterns(program.inputs.length, random)) {
    for (const size of [3, 1, 0]) batchedIsLoop(subject, batched, size, random);
  }
};

function batchedIsLoop(subject: Subject, batched: readonly boolean[], size: number, random: Random): void {
  const { program } = subject;
  const mapped = verified(vmapAll(program, batched, size));
  const shared = drawInputs(subject, random);
  const examples = Array.from({ length: size }, () => {
    const own = drawInputs(subject, random);
    return own.map((data, i) => (batched[i] ? data : (shared[i] as TypedArray)));
  });
  const inputs = program.inputs.map(({ type }, i) =>
    batched[i]
      ? stackOf(
          examples.map((example) => example[i] as TypedArray),
          type,
        )
      : (shared[i] as TypedArray),
  );
  const actual = evaluate(mapped, inputs);
  const loop = examples.map((example) => evaluate(program, example));
  const expected = program.outputs.map(({ type: { dtype, shape } }, o) => ({
    type: { dtype, shape: [size, ...shape] },
    data: stackOf(
      loop.map((outputs) => (outputs[o] as Tensor).data),
      { dtype, shape },
    ),
  }));
  expectSame(actual, expected, ROUNDED, `vmap of inputs [${batched}], ${size} examples`);
}

/** Every way in which some inputs are batched, or a dozen where there are too many. */
function patterns(count: number, random: Random): boolean[][] {
  if (count === 0) return [];
  const of = (bits: number): boolean[] => Array.from({ length: count }, (_, i) => ((bits >> i) & 1) === 1);
  if (count <= 3) return Array.from({ length: 2 ** count - 1 }, (_, bits) => of(bits + 1));
  const single = Array.from({ length: count }, (_, i) => Array.from({ length: count }, (_, k) => k === i));
  const some = Array.from({ length: 4 }, () => Array.from({ length: count }, () => random() < 0.5));
  const all = new Array<boolean>(count).fill(true);
  return [all, ...single.slice(0, 8), ...some.filter((flags) => flags.includes(true))];
}

/** What vmap leaves unbatched does not depend on the batch. */
const vmapKeepsWhatIsShared: Law = (subject, random) => {
  const { program } = subject;
  const none = program.inputs.map(() => false);
  const { program: mapped, batched } = vmap(program, none, 3);
  verify(mapped);
  if (batched.includes(true)) throw new Error('a program without batched inputs has batched outputs');
  const inputs = drawInputs(subject, random);
  expectSame(evaluate(mapped, inputs), evaluate(program, inputs), EXACT, 'vmap of nothing');
};

/** The derivatives' batched programs are loops too. */
const vmapOfDerivativesIsLoop: Law = (subject, random) => {
  const smooth = differentiable(subject);
  if (!smooth) return;
  const { program } = smooth;
  const [outputs, sources] = [program.outputs.length, sourcesOf(program)];
  const pulled = pullback(program, outputs, sources, undefined);
  const pushed = pushforward(program, outputs, sources, undefined);
  const chosen = (derived: Program): void => {
    const all = patterns(derived.inputs.length, random);
    for (const batched of [all[0], all.at(-1), all[Math.floor(random() * all.length)]])
      batchedIsLoop({ ...smooth, program: derived }, batched as boolean[], 2, random);
  };
  chosen(pulled);
  if (isRunnable(pushed)) chosen(pushed);
};

/** A stack of cotangents pulled back at once is each pulled back alone, and so for tangents. */
const stackedDerivativesAreLoops: Law = (subject, random) => {
  const smooth = differentiable(subject);
  if (!smooth) return;
  const { program } = smooth;
  const [outputs, sources] = [program.outputs.length, sourcesOf(program)];
  for (const transform of [pullback, pushforward]) {
    const single = transform(program, outputs, sources, undefined);
    if (!isRunnable(single)) continue;
    const stacked = verified(transform(program, outputs, sources, 2));
    const inputs = drawInputs(smooth, random);
    const added = single.inputs.slice(inputs.length).map(({ type }) => draw(stackedType(type, 2), random));
    const actual = evaluate(stacked, [...inputs, ...added]).slice(outputs);
    const loop = [0, 1].map((k) =>
      evaluate(single, [...inputs, ...added.map((data) => sliceOf(data, k, 2))]).slice(outputs),
    );
    const expected = single.outputs.slice(outputs).map(({ type }, o) => ({
      type: stackedType(type, 2),
      data: stackOf(
        loop.map((tensors) => (tensors[o] as Tensor).data),
        type,
      ),
    }));
    expectSame(actual, expected, ROUNDED, `a stack through ${transform.name}`);
  }
};

function stackedType({ dtype, shape }: TensorType, size: number): TensorType {
  return { dtype, shape: [size, ...shape] };
}

/** Printing and reading back gives the same text, the same identity and the same results; names do not count. */
const textRoundTrips: Law = (subject, random) => {
  const { program } = subject;
  const text = print(program);
  const read = verified(parse(text, OPS_BY_NAME));
  if (print(read) !== text) throw new Error(`printed, read and printed again:\n${text}\n${print(read)}`);
  if (hashProgram(read) !== hashProgram(program)) throw new Error('the program read back has another hash');
  const renamed = parse(text, OPS_BY_NAME);
  for (const variable of [...renamed.inputs, ...renamed.eqns.flatMap(({ outputs }) => outputs)])
    (variable as { name: string }).name = `v${Math.floor(random() * 1e9)}`;
  if (hashProgram(renamed) !== hashProgram(program)) throw new Error('names change the hash');
  const inputs = drawInputs(subject, random);
  expectSame(evaluate(read, inputs), evaluate(program, inputs), EXACT, 'the program read back');
};

/** Inputs and outputs go over the wire and come back the same, in every encoding. */
const wireRoundTrips: Law = (subject, random) => {
  const { program } = subject;
  const inputs = drawInputs(subject, random);
  const special = program.inputs.map(({ type }) => drawSpecial(type, random));
  const sent = [
    ...program.inputs.map(({ type }, i) => ({ type, data: inputs[i] as TypedArray })),
    ...evaluate(program, inputs),
    ...evaluate(program, special),
  ];
  for (const tensor of sent) {
    const { dtype, shape } = tensor.type;
    const received = (['nested', 'flat', 'base64'] as const).flatMap((encoding) => {
      // Nested lists say the shape of what is not empty, and no dtype.
      if (encoding === 'nested' && (tensor.data.length === 0 || dtype === 'int64')) return [];
      const reviver = dtype === 'int64' ? withAllDigits : undefined;
      return [decodeTensor(JSON.parse(tensorToJson(tensor, encoding), reviver), {}, DEFAULT_LIMITS)];
    });
    received.push(decodeBytes(dtype, shape, encodeBytes(tensor), {}, DEFAULT_LIMITS));
    for (const value of received) {
      const data = bindValue(value, tensor.type, 'tensor');
      expectSame([{ type: { dtype, shape: value.shape }, data }], [tensor], EXACT, 'over the wire');
    }
  }
};

/** What a client does that reads integers beyond 2^53: they are sent as strings. */
function withAllDigits(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return source !== undefined && /^-?\d{16,}$/.test(source) && !Number.isSafeInteger(value) ? source : value;
}

/** Fused kernels compute what each equation computes alone: to the bit, but for sums that are taken in another order. */
const fuse =
  (backends: readonly Backend[], toleranceOf: (backend: Backend) => Tolerance): Law =>
  (subject, random) => {
    const program = runnable(subject.program);
    const inputs = drawInputs(subject, random);
    for (const backend of backends) {
      const fused = evaluateAsItIs(program, inputs, backend);
      expectSame(fused, interpret(program, inputs, backend), toleranceOf(backend), 'fused');
    }
  };

const fusedIsUnfused = fuse(IN_JAVASCRIPT, () => EXACT);
const fusedIsUnfusedInNative = fuse(IN_NATIVE_CODE, ({ tolerance }) => tolerance);

/** A simplified program computes the same. */
const simplifiedIsSame: Law = (subject, random) => {
  const simplified = verified(simplify(subject.program));
  const inputs = drawInputs(subject, random);
  const program = runnable(subject.program);
  expectSame(evaluateAsItIs(simplified, inputs), evaluateAsItIs(program, inputs), ROUNDED, 'simplified');
  verify(simplify(simplified));
};

/** Every element is written before it is read, inputs are left alone, and a second run is not touched by the first. */
const storageIsWritten: Law = (subject, random) => {
  const { program } = subject;
  const inputs = drawInputs(subject, random);
  const before = inputs.map((data) => data.slice() as TypedArray);
  for (const backend of BACKENDS) {
    const expected = evaluate(program, inputs, backend);
    expectSame(evaluate(program, inputs, poisoned(backend)), expected, EXACT, 'in poisoned storage');
    const runs = [drawInputs(subject, random), inputs];
    expectSame(runSeveral(plan(program, backend), runs, backend), expected, EXACT, 'a second run');
  }
  const asTensors = (arrays: readonly TypedArray[]): Tensor[] =>
    arrays.map((data, i) => ({ type: (program.inputs[i] as Var).type, data }));
  expectSame(asTensors(inputs), asTensors(before), EXACT, 'inputs after the runs');
};

/** No two buffers that are alive overlap, and what is held is what the plan said. */
const memoryIsAsPlanned: Law = (subject, random) => {
  const inputs = drawInputs(subject, random);
  for (const backend of BACKENDS)
    for (const planned of [plan(subject.program, backend), lay(runnable(subject.program), backend)]) {
      checkPlan(planned);
      const counting = counted(backend);
      runPlan(planned, inputs, counting.backend);
      expectHeld(counting.bytes(), planned, backend);
    }
};

/** Native code has small tensors, the context and the scratch of routines beside the arena. */
function expectHeld(bytes: number, planned: Plan, { name }: Backend): void {
  const { peakBytes } = planned.cost;
  const isNative = name === NATIVE?.name;
  const most = isNative ? 1.1 * peakBytes + 4096 : peakBytes;
  const least = isNative ? planned.cost.heldBytes : peakBytes;
  if (bytes < least || bytes > most) throw new Error(`${name}: ${bytes} bytes were held, the plan says ${peakBytes}`);
}

/** The laws by name. */
export const LAWS: Readonly<Record<string, Law>> = {
  backendsAgree,
  typesAreTrue,
  primalIsValue,
  jvpIsDifference,
  pullbackIsDifference,
  linearizeIsJvp,
  transposeIsAdjoint,
  declaredLinearityHolds,
  secondOrderHolds,
  vmapIsLoop,
  vmapKeepsWhatIsShared,
  vmapOfDerivativesIsLoop,
  stackedDerivativesAreLoops,
  textRoundTrips,
  wireRoundTrips,
  fusedIsUnfused,
  simplifiedIsSame,
  storageIsWritten,
  memoryIsAsPlanned,
  ...(NATIVE ? { nativeAgrees, fusedIsUnfusedInNative } : {}),
};

/** The laws of results that are rounded differently: random programs obey them in double precision. */
export const WIDE_LAWS: ReadonlySet<Law> = new Set([
  linearizeIsJvp,
  transposeIsAdjoint,
  secondOrderHolds,
  vmapIsLoop,
  vmapOfDerivativesIsLoop,
  stackedDerivativesAreLoops,
  simplifiedIsSame,
  nativeAgrees,
  fusedIsUnfusedInNative,
]);

/** The laws that hold wherever the inputs lie: of what random types and params make. */
export const ACCEPTANCE_LAWS: readonly Law[] = [
  backendsAgree,
  typesAreTrue,
  primalIsValue,
  vmapIsLoop,
  textRoundTrips,
  fusedIsUnfused,
  storageIsWritten,
  memoryIsAsPlanned,
  nativeAgrees,
  // In double precision: random params may be as badly conditioned as they like.
  (subject, random) => transposeIsAdjoint({ ...subject, program: widened(subject.program) }, random),
];
