/**
 * @file Execution: a plan bound to a backend. In: one storage per input. Out: one per output. Kernels are compiled when
 * the plan is bound; a run allocates its outputs and nothing else.
 */
import type { Backend } from '../backends/backend.ts';
import type { BufferId, Plan, Step } from '../compile/plan.ts';
import type { Tensor, TensorType, TypedArray } from '../types.ts';
import { bytesOf } from '../types.ts';

/** Called between steps and between a loop's trips; throws to end the run. */
export type Checkpoint = () => void;

/** A plan that can be run. */
export interface Executable {
  readonly plan: Plan;
  /** Runs the plan; the inputs' elements are only read, and the outputs may share storage with them. */
  run(inputs: readonly TypedArray[], checkpoint?: Checkpoint): Promise<Tensor[]> | Tensor[];
}

/** A plan bound to a backend. */
export function executable<S, C>(plan: Plan, backend: Backend<S, C>): Executable {
  const bound = new Bound(plan, backend);
  const types = plan.outputs.map((id) => (plan.buffers[id] as { type: TensorType }).type);
  const tensors = (arrays: readonly TypedArray[]): Tensor[] =>
    arrays.map((data, i) => ({ type: types[i] as TensorType, data }));
  return {
    plan,
    run: (inputs, checkpoint = proceed) => {
      const storages = bound.run(
        inputs.map((data, i) => backend.upload(data, plan.inputs[i] as TensorType)),
        checkpoint,
      );
      const data = storages.map((storage, i) => backend.download(storage, types[i] as TensorType));
      return data.some((array) => array instanceof Promise)
        ? Promise.all(data.map(async (array) => array)).then(tensors)
        : tensors(data as readonly TypedArray[]);
    },
  };
}

function proceed(): void {}

/** Code for one step. */
type Dispatch<S> = (storages: readonly S[], checkpoint: Checkpoint) => void;

class Bound<S, C> {
  readonly plan: Plan;
  readonly #backend: Backend<S, C>;
  readonly #dispatches: readonly Dispatch<S>[];
  readonly #outputIds: readonly BufferId[];
  #arena: readonly (S | undefined)[] | undefined;

  constructor(plan: Plan, backend: Backend<S, C>) {
    this.plan = plan;
    this.#backend = backend;
    this.#dispatches = plan.steps.map((step) => this.#bind(step));
    this.#outputIds = [...new Set(plan.outputs)].filter((id) => plan.buffers[id]?.place.kind === 'output');
  }

  run(inputs: readonly S[], checkpoint: Checkpoint): S[] {
    const storages = this.#storages(inputs);
    for (const id of this.#outputIds) storages[id] = this.#fresh(this.#typeOf(id));
    this.#dispatch(storages, checkpoint);
    return this.plan.outputs.map((id) => storages[id] as S);
  }

  /** Runs with the outputs written where the caller wants them. */
  runInto(inputs: readonly S[], outputs: readonly S[], checkpoint: Checkpoint): void {
    const storages = this.#storages(inputs);
    const direct = this.plan.outputs.map((id, i) => {
      const isFirst = this.plan.outputs.indexOf(id) === i && this.#outputIds.includes(id);
      if (isFirst) storages[id] = outputs[i] as S;
      return isFirst;
    });
    this.#dispatch(storages, checkpoint);
    this.plan.outputs.forEach((id, i) => {
      if (!direct[i]) this.#backend.copy(storages[id] as S, outputs[i] as S);
    });
  }

  #dispatch(storages: readonly S[], checkpoint: Checkpoint): void {
    for (const dispatch of this.#dispatches) {
      checkpoint();
      dispatch(storages, checkpoint);
    }
  }

  /** The arena is kept between runs: runs do not overlap, since none gives up the processor half-way. */
  #storages(inputs: readonly S[]): S[] {
    this.#arena ??= this.#allocateArena();
    const storages = this.#arena.slice() as S[];
    inputs.forEach((input, i) => {
      storages[i] = input;
    });
    return storages;
  }

  #allocateArena(): readonly (S | undefined)[] {
    const { buffers, arenaBytes } = this.plan;
    const placed = buffers.flatMap(({ type, place }, id) =>
      place.kind === 'arena' ? [{ id, type, offset: place.offset }] : [],
    );
    const storages = this.#backend.allocate(arenaBytes, placed);
    const arena = new Array<S | undefined>(buffers.length);
    placed.forEach(({ id }, i) => {
      arena[id] = storages[i];
    });
    return arena;
  }

  #fresh(type: TensorType): S {
    return this.#backend.allocate(bytesOf(type), [{ offset: 0, type }])[0] as S;
  }

  #typeOf(id: BufferId): TensorType {
    return (this.plan.buffers[id] as { type: TensorType }).type;
  }

  #bind(step: Step): Dispatch<S> {
    const backend = this.#backend;
    switch (step.kind) {
      case 'kernel':
      case 'routine': {
        const code =
          step.kind === 'kernel' ? backend.compile(step.kernel, step.reads) : backend.compileRoutine(step.routine);
        return (storages) => backend.dispatch(code, pick(storages, step.inputs), pick(storages, step.outputs));
      }
      case 'branch': {
        const branches = step.plans.map((plan) => new Bound(plan, backend));
        return (storages, checkpoint) => {
          const [selector, ...inputs] = pick(storages, step.inputs);
          const chosen = Math.min(Math.max(backend.peek(selector as S), 0), branches.length - 1);
          (branches[chosen] as Bound<S, C>).runInto(inputs, pick(storages, step.outputs), checkpoint);
        };
      }
      case 'loop':
        return this.#bindLoop(step);
      default:
        return step satisfies never;
    }
  }

  #bindLoop(step: Extract<Step, { kind: 'loop' }>): Dispatch<S> {
    const backend = this.#backend;
    const body = new Bound(step.body, backend);
    const { constants, carried, trips, reverse } = step;
    const carriedTypes = step.inputs.slice(constants, constants + carried).map((id) => this.#typeOf(id));
    // Two sets of storage for what is carried, kept between runs as the arena is: a trip reads one and writes the other.
    let spares: readonly [S[], S[]] | undefined;
    const fresh = (): S[] => carriedTypes.map((type) => this.#fresh(type));
    return (storages, checkpoint) => {
      spares ??= [fresh(), fresh()];
      const inputs = pick(storages, step.inputs);
      const outputs = pick(storages, step.outputs);
      const fixed = inputs.slice(0, constants);
      let state = inputs.slice(constants, constants + carried);
      let [next, spare] = spares;
      for (let trip = 0; trip < trips; trip++) {
        checkpoint();
        const at = reverse ? trips - 1 - trip : trip;
        const slices = inputs
          .slice(constants + carried)
          .map((storage, i) => backend.slice(storage, at, step.body.inputs[constants + carried + i] as TensorType));
        const rows = outputs.slice(carried).map((storage, i) => {
          const id = step.body.outputs[carried + i] as BufferId;
          return backend.slice(storage, at, (step.body.buffers[id] as { type: TensorType }).type);
        });
        body.runInto([...fixed, ...state, ...slices], [...next, ...rows], checkpoint);
        [state, next, spare] = [next, spare, next];
      }
      state.forEach((storage, i) => backend.copy(storage, outputs[i] as S));
    };
  }
}

function pick<S>(storages: readonly S[], ids: readonly BufferId[]): S[] {
  return ids.map((id) => storages[id] as S);
}
