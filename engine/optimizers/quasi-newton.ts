/** @file Steps of optimizers that search along a direction: programs give loss and direction, the host only lengths. */
import type { Executable } from '../runtime/execute.ts';
import { allocateArray, sizeOf, type Tensor, type TypedArray } from '../types.ts';
import { type Point, strongWolfe } from './line-search.ts';
import { type Bind, elementsOf, numberOf, type Runner, type Seen, type State, type Walk } from './walk.ts';

/** What is known at a state: the loss and gradients there, and the direction that leads on. */
interface Place extends Seen {
  readonly variables: readonly Tensor[];
  readonly slots: readonly Tensor[];
  /** Flat, like the directions. */
  readonly gradients: readonly Tensor[];
}

interface Direction {
  readonly directions: readonly Tensor[];
  readonly slope: number;
  readonly knowsCurvature: boolean;
  readonly slots: readonly Tensor[];
}

/** A place that was tried. */
interface Trial extends Seen {
  readonly point: Point;
  readonly variables: readonly Tensor[];
  readonly gradients: readonly Tensor[];
}

/** The two programs that a step is made of. */
export interface QuasiNewtonPrograms {
  readonly trial: Executable;
  readonly turn: Executable;
}

/** Steps by a `trialProgram` and a `turnProgram`, with at most so many evaluations each. */
export function quasiNewtonWalk(
  { trial, turn }: QuasiNewtonPrograms,
  variables: number,
  evaluations: number,
  bind: Bind,
  runner: Runner,
): Walk {
  const length = allocateArray('float64', 1);
  let count = 0;
  let rate = 1;
  let place: Place | undefined;
  let direction: Direction | undefined;

  const tryAt = async (from: readonly Tensor[], along: readonly TypedArray[], t: number): Promise<Trial> => {
    length[0] = t;
    const inputs = [...bind(elementsOf(from), count), ...along, length];
    const [loss, norm, slope, ...there] = await runner.run(trial, inputs);
    const seen = { loss: numberOf(loss), gradientNorm: numberOf(norm) };
    return {
      ...seen,
      point: { t, loss: seen.loss, slope: numberOf(slope) },
      variables: there.slice(0, variables),
      gradients: there.slice(variables),
    };
  };

  const turnFrom = async (before: Place, after: Place): Promise<Direction> => {
    const outputs = await runner.run(
      turn,
      elementsOf([...before.variables, ...after.variables, ...before.gradients, ...after.gradients, ...before.slots]),
    );
    return {
      directions: outputs.slice(0, variables),
      slope: numberOf(outputs[variables]),
      knowsCurvature: numberOf(outputs[variables + 1]) > 0,
      slots: outputs.slice(variables + 2),
    };
  };

  /** The direction without any history: against the gradient. */
  const forget = async (at: Place): Promise<Direction> => {
    const slots = at.slots.map(({ type }) => ({ type, data: allocateArray(type.dtype, sizeOf(type.shape)) }));
    return turnFrom({ ...at, slots }, at);
  };

  /** The first place along a direction that is good enough. */
  const search = async (at: Place, { directions, slope, knowsCurvature }: Direction): Promise<Trial | undefined> => {
    if (!(slope < 0)) return undefined;
    // Before any curvature is known, a step of length one at most.
    const first = rate * (knowsCurvature ? 1 : Math.min(1, 1 / at.gradientNorm));
    const along = elementsOf(directions);
    const lengths = strongWolfe({ loss: at.loss, slope }, first, evaluations);
    let tried: Trial | undefined;
    let asked = lengths.next();
    while (!asked.done) {
      if (tried) runner.release([...tried.variables, ...tried.gradients]);
      tried = await tryAt(at.variables, along, asked.value);
      asked = lengths.next(tried.point);
    }
    if (asked.value?.t === tried?.point.t) return tried;
    if (tried) runner.release([...tried.variables, ...tried.gradients]);
    return asked.value && (await tryAt(at.variables, along, asked.value.t));
  };

  return {
    look: async (state: State, steps: number, wanted: number) => {
      [count, rate] = [steps, wanted];
      if (place) return place;
      const [at, slots] = [state.slice(0, variables), state.slice(variables)];
      const nowhere = at.map(({ type }) => allocateArray(type.dtype, sizeOf(type.shape)));
      const { loss, gradientNorm, gradients, variables: same } = await tryAt(at, nowhere, 0);
      runner.release(same);
      place = { loss, gradientNorm, variables: at, slots, gradients };
      return place;
    },
    go: async () => {
      const at = place as Place;
      direction ??= await turnFrom(at, at);
      let found = await search(at, direction);
      if (!found && direction.knowsCurvature) {
        // A history that leads nowhere is forgotten, as other implementations do.
        direction = await forget(at);
        found = await search(at, direction);
      }
      if (!found) return undefined;
      const before = direction;
      const arrived = { ...found, slots: before.slots };
      direction = await turnFrom({ ...at, slots: before.slots }, arrived);
      runner.release([...before.directions, ...at.gradients]);
      const { loss, gradientNorm } = found;
      place = { ...arrived, slots: direction.slots };
      return { loss, gradientNorm, rate: found.point.t, state: [...found.variables, ...direction.slots] };
    },
    end: () => {
      runner.release([...(direction?.directions ?? []), ...(place?.gradients ?? [])]);
      [place, direction] = [undefined, undefined];
    },
  };
}
