/** @file Ways of running a program that ought to agree: compiled, compiled without simplification, equation by equation. */
import type { Backend } from '../../engine/backends/backend.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { portable } from '../../engine/backends/portable.ts';
import { reference } from '../../engine/backends/reference.ts';
import { lay, type Plan, plan } from '../../engine/compile/plan.ts';
import { Builder } from '../../engine/program/builder.ts';
import type { Eqn, Program, Var } from '../../engine/program/program.ts';
import { executable } from '../../engine/runtime/execute.ts';
import { allocateArray, sizeOf, type Tensor, type TensorType, type TypedArray } from '../../engine/types.ts';

/** The backend that is the definition. */
export const DEFINITION = reference;

/** The native backend; absent where there is no libLLVM. Two threads, whatever the machine has. */
export const NATIVE = openNative({ threads: 2 });

/** Every backend that runs here; what holds of one must hold of all. */
export const BACKENDS: readonly Backend[] = [portable, DEFINITION, ...(NATIVE ? [NATIVE] : [])];

/** What runs programs in the place of the portable backend, while a law is checked of a backend that answers later. */
export interface Elsewhere {
  readonly backend: Backend;
  /** The outputs of a program, compiled as the engine does it or as it is. */
  run(program: Program, inputs: readonly TypedArray[], compile: typeof plan): Tensor[];
}

let elsewhere: Elsewhere | undefined;

/** Runs `body` with programs run elsewhere. */
export function runElsewhere(other: Elsewhere, body: () => void): void {
  elsewhere = other;
  try {
    body();
  } finally {
    elsewhere = undefined;
  }
}

/** The outputs of a program, simplified and compiled as the engine does it. */
export function evaluate(program: Program, inputs: readonly TypedArray[], backend: Backend = portable): Tensor[] {
  return compiled(program, inputs, backend, plan);
}

/** The outputs of a program compiled as it is. */
export function evaluateAsItIs(program: Program, inputs: readonly TypedArray[], backend: Backend = portable): Tensor[] {
  return compiled(program, inputs, backend, lay);
}

function compiled(program: Program, inputs: readonly TypedArray[], backend: Backend, compile: typeof plan): Tensor[] {
  if (elsewhere && (backend === portable || backend === elsewhere.backend))
    return elsewhere.run(program, inputs, compile);
  return runPlan(compile(program, backend), inputs, backend);
}

/** The outputs of a plan. */
export function runPlan(planned: Plan, inputs: readonly TypedArray[], backend?: Backend): Tensor[] {
  return runSeveral(planned, [inputs], backend);
}

/** The outputs of the last of several runs of one plan, which share its storage. */
export function runSeveral(
  planned: Plan,
  runs: readonly (readonly TypedArray[])[],
  backend: Backend = portable,
): Tensor[] {
  const bound = executable(planned, backend);
  let last: Tensor[] = [];
  for (const inputs of runs) {
    const outputs = bound.run(inputs);
    if (outputs instanceof Promise) throw new Error(`backend ${backend.name} does not answer at once`);
    last = outputs;
  }
  return last;
}

/**
 * The outputs of a program run one equation at a time, each compiled alone; branches and loops are run here, not by the
 * executor. Nothing is fused and no storage is shared.
 */
export function interpret(program: Program, inputs: readonly TypedArray[], backend: Backend = portable): Tensor[] {
  const values = new Map<Var, TypedArray>();
  bind(values, program.inputs, inputs);
  for (const eqn of program.eqns) {
    const given = eqn.inputs.map((input) => values.get(input) as TypedArray);
    bind(values, eqn.outputs, runEqn(eqn, given, backend));
  }
  return program.outputs.map((output) => ({ type: output.type, data: values.get(output) as TypedArray }));
}

function bind(values: Map<Var, TypedArray>, variables: readonly Var[], data: readonly TypedArray[]): void {
  variables.forEach((variable, i) => values.set(variable, data[i] as TypedArray));
}

function runEqn(eqn: Eqn, inputs: readonly TypedArray[], backend: Backend): TypedArray[] {
  const { lower } = eqn.op;
  switch (lower.kind) {
    case 'map':
    case 'reduce':
    case 'routine':
      return dataOf(compiled(alone(eqn), inputs, backend, lay));
    case 'constant':
      return [lower.data(eqn.params)];
    case 'branch': {
      const [selector, ...operands] = inputs;
      const branches = lower.programs(eqn.params);
      const chosen = Math.min(Math.max(Number(selector?.[0]), 0), branches.length - 1);
      return dataOf(interpret(branches[chosen] as Program, operands, backend));
    }
    case 'loop':
      return runLoop(eqn, lower.loop(eqn.params), inputs, backend);
    case 'none':
      throw new Error(lower.detail);
    default:
      return lower satisfies never;
  }
}

/** A program of one equation. */
export function alone(eqn: Eqn): Program {
  const b = new Builder();
  return b.build(b.emit(eqn.op, b.inputsLike(eqn.inputs), eqn.params));
}

interface Loop {
  readonly body: Program;
  readonly constants: number;
  readonly carried: number;
  readonly trips: number;
  readonly reverse: boolean;
}

function runLoop(
  eqn: Eqn,
  { body, constants, carried, trips, reverse }: Loop,
  inputs: readonly TypedArray[],
  backend: Backend,
): TypedArray[] {
  const fixed = inputs.slice(0, constants);
  const stacks = inputs.slice(constants + carried);
  let state = inputs.slice(constants, constants + carried);
  const rows = eqn.outputs.slice(carried).map(({ type }) => allocateArray(type.dtype, sizeOf(type.shape)));
  for (let trip = 0; trip < trips; trip++) {
    const at = reverse ? trips - 1 - trip : trip;
    const slices = stacks.map((stack) => sliceOf(stack, at, trips));
    const made = dataOf(interpret(body, [...fixed, ...state, ...slices], backend));
    state = made.slice(0, carried);
    made.slice(carried).forEach((row, i) => (rows[i] as Uint8Array).set(row as Uint8Array, at * row.length));
  }
  return [...state.map((data) => data.slice() as TypedArray), ...rows];
}

/** The part at position `at` of `count` along axis 0. */
export function sliceOf(data: TypedArray, at: number, count: number): TypedArray {
  const size = data.length / count;
  return data.slice(at * size, (at + 1) * size) as TypedArray;
}

/** Tensors' elements. */
export function dataOf(tensors: readonly Tensor[]): TypedArray[] {
  return tensors.map(({ data }) => data);
}

/** Arrays joined along a new axis 0. */
export function stackOf(parts: readonly TypedArray[], { dtype, shape }: TensorType): TypedArray {
  const stacked = allocateArray(dtype, parts.length * sizeOf(shape));
  parts.forEach((part, i) => (stacked as Uint8Array).set(part as Uint8Array, i * part.length));
  return stacked;
}
