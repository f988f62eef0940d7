/**
 * @file Backends that run a plan step by step from JavaScript. They bring code for kernels; routines run by their own
 * definitions, and branches and loops are run here, from plans of their own.
 */
import type { BufferId, Kernel, Plan, Step } from '../compile/plan.ts';
import type { Var } from '../program/program.ts';
import { sizeOf, type TensorType, type TypedArray, viewArray } from '../types.ts';
import { type Backend, type Checkpoint, HOST_MEMORY, type Memory, type Tolerance } from './backend.ts';

/** Code of a step: reads `inputs`, writes the whole of `outputs`. */
export type Code = (inputs: readonly TypedArray[], outputs: readonly TypedArray[]) => void;

/** A backend that runs kernels one by one. */
export interface Stepwise {
  readonly name: string;
  readonly tolerance: Tolerance;
  /** Compiles a kernel; `reads` are the stored variables it loads, in the order of its code's inputs. */
  compile(kernel: Kernel, reads: readonly Var[]): Code;
}

/** The backend that runs plans by its kernels. */
export function stepwise({ name, tolerance, compile }: Stepwise): Backend {
  return {
    name,
    tolerance,
    hasBands: false,
    load: (plan, memory = HOST_MEMORY) => {
      let block: ArrayBuffer | undefined;
      const blockOf = (): ArrayBuffer => (block ??= memory.block(plan.cost.heldBytes));
      const bound = new Bound(plan, compile, memory, { block: blockOf, offset: 0 });
      return {
        backend: name,
        run: (inputs, checkpoint) => {
          // All of it at once, whichever branches a run takes.
          blockOf();
          return bound.run(inputs, checkpoint);
        },
      };
    },
  };
}

/** Where a plan's arena begins in the block that it shares with the plan around it. */
interface Arena {
  block(): ArrayBuffer;
  readonly offset: number;
}

type Dispatch = (storages: readonly TypedArray[], checkpoint: Checkpoint) => void;

class Bound {
  readonly plan: Plan;
  readonly #compile: Stepwise['compile'];
  readonly #memory: Memory;
  readonly #arena: Arena;
  readonly #dispatches: readonly Dispatch[];
  readonly #outputIds: readonly BufferId[];
  #kept: readonly (TypedArray | undefined)[] | undefined;

  constructor(plan: Plan, compile: Stepwise['compile'], memory: Memory, arena: Arena) {
    this.plan = plan;
    this.#compile = compile;
    this.#memory = memory;
    this.#arena = arena;
    this.#dispatches = plan.steps.map((step) => this.#bind(step));
    this.#outputIds = [...new Set(plan.outputs)].filter((id) => plan.buffers[id]?.place.kind === 'output');
  }

  run(inputs: readonly TypedArray[], checkpoint: Checkpoint): TypedArray[] {
    const storages = this.#storages(inputs);
    for (const id of this.#outputIds) storages[id] = this.#memory.tensor(this.#typeOf(id));
    this.#dispatch(storages, checkpoint);
    return this.plan.outputs.map((id) => storages[id] as TypedArray);
  }

  /** Runs with the outputs written where the caller wants them. */
  runInto(inputs: readonly TypedArray[], outputs: readonly TypedArray[], checkpoint: Checkpoint): void {
    const storages = this.#storages(inputs);
    const direct = this.plan.outputs.map((id, i) => {
      const isFirst = this.plan.outputs.indexOf(id) === i && this.#outputIds.includes(id);
      if (isFirst) storages[id] = outputs[i] as TypedArray;
      return isFirst;
    });
    this.#dispatch(storages, checkpoint);
    this.plan.outputs.forEach((id, i) => {
      if (!direct[i]) copy(storages[id] as TypedArray, outputs[i] as TypedArray);
    });
  }

  #dispatch(storages: readonly TypedArray[], checkpoint: Checkpoint): void {
    for (const dispatch of this.#dispatches) {
      checkpoint.check();
      dispatch(storages, checkpoint);
    }
  }

  /** The arena is kept between runs: runs do not overlap, since none gives up the processor half-way. */
  #storages(inputs: readonly TypedArray[]): TypedArray[] {
    this.#kept ??= this.#lasting();
    const storages = this.#kept.slice() as TypedArray[];
    inputs.forEach((input, i) => {
      storages[i] = input;
    });
    return storages;
  }

  /** The storage that is the same in every run, by buffer. */
  #lasting(): readonly (TypedArray | undefined)[] {
    return this.plan.buffers.map(({ type, place }) => {
      switch (place.kind) {
        case 'arena':
          return this.#view(type, place.offset);
        case 'constant':
          return place.data;
        case 'local':
          // Steps are run whole here, and so is what they hand on.
          return this.#memory.tensor(type);
        case 'input':
        case 'output':
          return undefined;
        default:
          return place satisfies never;
      }
    });
  }

  /** A tensor at an offset of the arena. */
  #view({ dtype, shape }: TensorType, offset: number): TypedArray {
    return viewArray(dtype, this.#arena.block(), this.#arena.offset + offset, sizeOf(shape));
  }

  /** A plan within, whose arena begins at an offset from the end of this one's. */
  #within(plan: Plan, offset: number): Bound {
    const { block, offset: start } = this.#arena;
    return new Bound(plan, this.#compile, this.#memory, { block, offset: start + this.plan.arenaBytes + offset });
  }

  #typeOf(id: BufferId): TensorType {
    return (this.plan.buffers[id] as { type: TensorType }).type;
  }

  #bind(step: Step): Dispatch {
    switch (step.kind) {
      case 'kernel': {
        const code = this.#compile(step.kernel, step.reads);
        return (storages) => code(pick(storages, step.inputs), pick(storages, step.outputs));
      }
      case 'band': {
        const steps = step.steps.map((each) => this.#bind(each));
        return (storages, checkpoint) => {
          for (const dispatch of steps) dispatch(storages, checkpoint);
        };
      }
      case 'routine':
        return (storages) => step.routine.run(pick(storages, step.inputs), pick(storages, step.outputs));
      case 'branch': {
        const branches = step.plans.map((plan) => this.#within(plan, 0));
        return (storages, checkpoint) => {
          const [selector, ...inputs] = pick(storages, step.inputs);
          const chosen = Math.min(Math.max(Number((selector as TypedArray)[0]), 0), branches.length - 1);
          (branches[chosen] as Bound).runInto(inputs, pick(storages, step.outputs), checkpoint);
        };
      }
      case 'loop':
        return this.#bindLoop(step);
      default:
        return step satisfies never;
    }
  }

  #bindLoop(step: Extract<Step, { kind: 'loop' }>): Dispatch {
    const { constants, carried, trips, reverse } = step;
    const body = this.#within(step.body, step.bodyOffset);
    const carriedTypes = step.inputs.slice(constants, constants + carried).map((id) => this.#typeOf(id));
    const views = (offsets: readonly number[]): TypedArray[] =>
      offsets.map((offset, i) => this.#view(carriedTypes[i] as TensorType, this.plan.arenaBytes + offset));
    return (storages, checkpoint) => {
      const inputs = pick(storages, step.inputs);
      const outputs = pick(storages, step.outputs);
      const fixed = inputs.slice(0, constants);
      let state = inputs.slice(constants, constants + carried);
      let [next, spare] = step.spares.map(views) as [TypedArray[], TypedArray[]];
      for (let trip = 0; trip < trips; trip++) {
        checkpoint.check();
        const at = reverse ? trips - 1 - trip : trip;
        const slices = inputs
          .slice(constants + carried)
          .map((storage, i) => row(storage, at, step.body.inputs[constants + carried + i] as TensorType));
        const rows = outputs.slice(carried).map((storage, i) => {
          const id = step.body.outputs[carried + i] as BufferId;
          return row(storage, at, (step.body.buffers[id] as { type: TensorType }).type);
        });
        body.runInto([...fixed, ...state, ...slices], [...next, ...rows], checkpoint);
        [state, next, spare] = [next, spare, next];
      }
      state.forEach((storage, i) => copy(storage, outputs[i] as TypedArray));
    };
  }
}

function pick(storages: readonly TypedArray[], ids: readonly BufferId[]): TypedArray[] {
  return ids.map((id) => storages[id] as TypedArray);
}

/** The part at position `at` along axis 0; `type` is the part's. */
function row(storage: TypedArray, at: number, { shape }: TensorType): TypedArray {
  const size = sizeOf(shape);
  return storage.subarray(at * size, (at + 1) * size) as TypedArray;
}

function copy(from: TypedArray, to: TypedArray): void {
  (to as Uint8Array).set(from as Uint8Array);
}
