/**
 * @file What a backend is: a connector to one way of running plans. It knows kernels, routines and buffers; it knows no
 * op, no program and no client.
 */
import type { Plan } from '../compile/plan.ts';
import type { Program } from '../program/program.ts';
import { allocateArray, sizeOf, type TensorType, type TypedArray } from '../types.ts';

/** The largest relative error that is still right, by dtype; integers and bools are exact. */
export interface Tolerance {
  readonly float32: number;
  readonly float64: number;
}

/** A way of running plans. */
export interface Backend {
  readonly name: string;
  /** Against the reference backend, relative to the largest element of a tensor. */
  readonly tolerance: Tolerance;
  /** Whether it runs bands. */
  readonly hasBands: boolean;
  /** Why it does not run a program, naming the tensor that it cannot hold; absent where it runs all. */
  refusal?(program: Program): string | undefined;
  /** What plans are run by that run often, where that is another backend. */
  readonly settled?: Backend;
  /** Makes a plan ready to run; what it keeps between runs, and the outputs, lie in `memory`. */
  load(plan: Plan, memory?: Memory): Loaded;
}

/** A plan that is ready to run. Runs do not overlap. */
export interface Loaded {
  /** The name of the backend that runs it. */
  readonly backend: string;
  /** The outputs; inputs are only read, and an output may be an input or a constant of the plan itself. */
  run(inputs: readonly TypedArray[], checkpoint: Checkpoint): readonly TypedArray[] | Promise<readonly TypedArray[]>;
  /** Takes outputs back that nobody uses any more. */
  release?(outputs: readonly TypedArray[]): void;
}

/** Says when a run must end before it is done. */
export interface Checkpoint {
  /** Milliseconds until it must end at the latest; `Infinity` for never. */
  left(): number;
  /** Throws when the run must end; called between steps and between a loop's trips. */
  check(): void;
}

/** A run that goes on until it is done. */
export const UNLIMITED: Checkpoint = { left: () => Infinity, check() {} };

/** Where a backend on the host takes its memory from. */
export interface Memory {
  /** A block that several tensors share; its content is undefined. */
  block(bytes: number): ArrayBuffer;
  /** Storage of one tensor; its content is undefined. */
  tensor(type: TensorType): TypedArray;
}

/** The memory of this process. */
export const HOST_MEMORY: Memory = {
  block: (bytes) => new ArrayBuffer(bytes),
  // A small array lies in the engine's own heap, which is ten times as quick to get as a buffer.
  tensor: ({ dtype, shape }) => allocateArray(dtype, sizeOf(shape)),
};
