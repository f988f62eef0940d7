/**
 * @file What a run on the gpu takes: a launch, what is moved, and the work. In: a plan's exact cost and the bytes that
 * have to be moved. Out: seconds, to set beside what the cpu would take.
 */
import { Exprs } from '../../compile/expr.ts';
import type { Cost, Plan, Step } from '../../compile/plan.ts';
import type { Var } from '../../program/program.ts';
import type { TypedArray } from '../../types.ts';
import { type Backend, UNLIMITED } from '../backend.ts';

/** How fast a gpu is, as measured when it was opened. */
export interface GpuRates {
  /** Seconds of a run that does next to nothing: recorded, submitted, waited for, fetched. */
  readonly launch: number;
  /** Seconds that each further step takes. */
  readonly step: number;
  /** Bytes a second from the host to the device, and back. */
  readonly up: number;
  readonly down: number;
  /** Scalar operations a second, as plans count them. */
  readonly flops: number;
  /** Bytes a second that kernels read and write on the device. */
  readonly bytes: number;
}

/** What has to be moved for a run. */
export interface Moved {
  /** Bytes of the inputs that do not lie on the device yet. */
  readonly up: number;
  /** Bytes of the outputs. */
  readonly down: number;
}

/** Seconds that a run takes: seconds = launch + moved / bandwidth + work / rate. */
export function secondsOnGpu({ cost, steps }: Pick<Plan, 'cost' | 'steps'>, moved: Moved, rates: GpuRates): number {
  const transfer = moved.up / rates.up + moved.down / rates.down;
  return rates.launch + stepsOf(steps) * rates.step + transfer + workSeconds(cost, rates);
}

/** A device computes while it reads: the slower of the two is what a kernel takes. */
function workSeconds({ flops, bytes }: Cost, rates: GpuRates): number {
  return Math.max(flops / rates.flops, bytes / rates.bytes);
}

/** Steps that a run does: those of the longest branch, and of each trip of a loop. */
function stepsOf(steps: readonly Step[]): number {
  let count = 0;
  for (const step of steps) {
    if (step.kind === 'loop') count += step.trips * stepsOf(step.body.steps);
    else if (step.kind === 'branch') count += Math.max(0, ...step.plans.map((plan) => stepsOf(plan.steps)));
    else count++;
  }
  return count;
}

/** Elements that are moved, and computed with, to measure. */
const SIZE = 2 ** 18;
const SMALL = 64;
/** Steps of the chain whose steps are counted. */
const CHAIN = 16;
/** Functions in a row: enough for arithmetic to be what a kernel takes. */
const DEPTH = 8;
const FLOPS_OF_SIN = 20;

/**
 * Measures a backend in less than a second, or in a few on a device that is a program on the processor; `now` is a clock
 * in milliseconds.
 */
export async function calibrate(backend: Backend, now: () => number): Promise<GpuRates> {
  const best = async (plan: Plan, inputs: () => readonly TypedArray[], rounds: number): Promise<number> => {
    const loaded = backend.load(plan);
    let least = Infinity;
    // The first run compiles, and is not counted.
    for (let round = -1; round < rounds; round++) {
      const given = inputs();
      const started = now();
      const outputs = await loaded.run(given, UNLIMITED);
      if (round >= 0) least = Math.min(least, (now() - started) / 1000);
      loaded.release?.(outputs);
    }
    return Math.max(least, 1e-9);
  };
  const small = new Float32Array(SMALL);
  const large = new Float32Array(SIZE);
  const launch = await best(chain(SMALL, 1, 0, 'all'), () => [small], 5);
  const step = Math.max(0, (await best(chain(SMALL, CHAIN, 0, 'all'), () => [small], 3)) - launch) / (CHAIN - 1);
  const over = (seconds: number, less: number): number => Math.max(seconds - less, seconds / 20);
  // A fresh array each time, and one element back.
  const sent = over(await best(chain(SIZE, 1, 0, 'first'), () => [large.slice()], 3), launch);
  // The same array, all of it back.
  const fetched = over(await best(chain(SIZE, 1, 0, 'all'), () => [large], 3), launch);
  const moved = over(await best(chain(SIZE, CHAIN, 0, 'first'), () => [large], 2), launch + CHAIN * step);
  const worked = over(await best(chain(SIZE, 1, DEPTH, 'first'), () => [large], 2), launch);
  return {
    launch,
    step,
    up: (4 * SIZE) / sent,
    down: (4 * SIZE) / fetched,
    bytes: (8 * SIZE * CHAIN) / moved,
    flops: (SIZE * DEPTH * FLOPS_OF_SIN) / worked,
  };
}

/** Kernels one after the other, each of some functions in a row, and all of the last result or its first element. */
function chain(size: number, steps: number, depth: number, result: 'all' | 'first'): Plan {
  const e = new Exprs();
  const variable = (shape: readonly number[]): Var => ({ type: { dtype: 'float32', shape }, name: undefined });
  const variables = Array.from({ length: steps + 1 }, () => variable([size]));
  const kernels = variables.slice(1).map((target, i): Step => {
    const source = variables[i] as Var;
    let expr = e.add(e.load(source, e.linear(size)), e.const(1, 'float32'));
    for (let k = 0; k < depth; k++) expr = e.apply('sin', [expr]);
    return kernel([size], [{ target, expr }], source, i, i + 1);
  });
  const first = variable([]);
  const last = variables.at(-1) as Var;
  if (result === 'first') {
    const expr = e.load(last, e.at(0));
    kernels.push(kernel([], [{ target: first, expr }], last, steps, steps + 1));
  }
  const all = result === 'first' ? [...variables, first] : variables;
  const output = all.length - 1;
  const bytes = 4 * size;
  return {
    inputs: [variables[0]!.type],
    buffers: all.map(({ type }, i) => ({
      type,
      place:
        i === 0
          ? { kind: 'input', index: 0 }
          : i === output
            ? { kind: 'output' }
            : { kind: 'arena', offset: i * bytes },
    })),
    steps: kernels,
    outputs: [output],
    arenaBytes: all.length * bytes,
    cost: { flops: 0, bytes: 0, peakBytes: 0, heldBytes: all.length * bytes, largest: undefined },
  };
}

function kernel(
  space: readonly number[],
  stores: Extract<Step, { kind: 'kernel' }>['kernel']['stores'],
  source: Var,
  input: number,
  output: number,
): Step {
  return {
    kind: 'kernel',
    kernel: { space, stores, windows: [], flops: 0 },
    reads: [source],
    inPlace: new Set(),
    inputs: [input],
    outputs: [output],
  };
}
