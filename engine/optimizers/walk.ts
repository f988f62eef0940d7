/** @file What is common to the ways of stepping: from the state of a minimization to the next. */
import type { Checkpoint } from '../backends/backend.ts';
import type { Executable } from '../runtime/execute.ts';
import type { Tensor, TypedArray } from '../types.ts';

/** What a step moves: the variables, then their slots, variable by variable. */
export type State = readonly Tensor[];

/** What is known of the loss somewhere. */
export interface Seen {
  readonly loss: number;
  /** Of the gradients of all variables together. */
  readonly gradientNorm: number;
}

/** A step that was taken. */
export interface Step extends Seen {
  readonly state: State;
  readonly rate: number;
}

/** A way of stepping. Looks at a state, then goes on from it. */
export interface Walk {
  /** The loss at a state that `count` steps came before. */
  look(state: State, count: number, rate: number): Promise<Seen>;
  /** Steps from the state that was looked at; `undefined` where no step makes the loss smaller. */
  go(): Promise<Step | undefined>;
  /** Gives back what was made for a step that nobody takes. */
  end(): void;
}

/** The inputs of the graph at a step, those of its variables in their places. */
export type Bind = (variables: readonly TypedArray[], count: number) => TypedArray[];

/** Runs programs, and gives back what nobody reads any more. */
export interface Runner {
  run(executable: Executable, inputs: readonly TypedArray[]): Promise<Tensor[]>;
  /** Gives tensors back but for those `kept`: an output may share its storage with an input. */
  release(tensors: readonly Tensor[], kept?: readonly Tensor[]): void;
}

/** A runner of these programs. What is `foreign` is never given back: it came from somewhere else. */
export function runnerOf(
  executables: readonly Executable[],
  checkpoint: Checkpoint,
  foreign: readonly Tensor[],
): Runner {
  const theirs = new Set(foreign.map(({ data }) => data.buffer));
  return {
    run: async (executable, inputs) => executable.run(inputs, checkpoint),
    release: (tensors, kept = []) => {
      const held = new Set(kept.map(({ data }) => data.buffer));
      const free = tensors.filter(({ data: { buffer } }) => !theirs.has(buffer) && !held.has(buffer));
      // Each takes back what it gave, and leaves the rest alone.
      for (const executable of executables) executable.release(free);
    },
  };
}

/** The number that a scalar holds. */
export function numberOf(tensor: Tensor | undefined): number {
  return Number(tensor?.data[0]);
}

/** The elements of tensors. */
export function elementsOf(tensors: readonly Tensor[]): TypedArray[] {
  return tensors.map(({ data }) => data);
}
