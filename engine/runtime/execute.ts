/** @file Execution: a plan loaded into a backend, with tensors in and out. */
import { type Backend, type Checkpoint, type Memory, UNLIMITED } from '../backends/backend.ts';
import type { Plan } from '../compile/plan.ts';
import { interruptibly } from '../interrupt.ts';
import type { Tensor, TensorType, TypedArray } from '../types.ts';

/** A plan that can be run. */
export interface Executable {
  readonly plan: Plan;
  /** The name of the backend that the next run is done by. */
  readonly backend: string;
  /** Runs the plan; the inputs' elements are only read, and the outputs may share storage with them. */
  run(inputs: readonly TypedArray[], checkpoint?: Checkpoint): Promise<Tensor[]> | Tensor[];
  /** Gives outputs back for later runs to use; nobody may look at them any more. What is not given back is collected. */
  release(outputs: readonly Tensor[]): void;
}

/** A plan loaded into a backend; `memory` is where a backend on the host takes its memory from. */
export function executable(plan: Plan, backend: Backend, memory?: Memory): Executable {
  const loaded = backend.load(plan, memory);
  const types = plan.outputs.map((id) => (plan.buffers[id] as { type: TensorType }).type);
  const tensors = (arrays: readonly TypedArray[]): Tensor[] =>
    arrays.map((data, i) => ({ type: types[i] as TensorType, data }));
  return {
    plan,
    get backend() {
      return loaded.backend;
    },
    run: (inputs, checkpoint = UNLIMITED) => {
      const arrays = interruptibly(checkpoint, () => loaded.run(inputs, checkpoint));
      return arrays instanceof Promise ? arrays.then(tensors) : tensors(arrays);
    },
    release: (outputs) => loaded.release?.(outputs.map(({ data }) => data)),
  };
}
