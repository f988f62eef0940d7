/** @file Problems to minimize, and the numbers that optax and SciPy give for them. */
import { readFileSync } from 'node:fs';
import type { Backend } from '../../engine/backends/backend.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { batchValues, type Data } from '../../engine/optimizers/batches.ts';
import { choose, type OptimizerName } from '../../engine/optimizers/index.ts';
import {
  type Minimization,
  minimize,
  type Prepared,
  type Progress,
  prepareMinimize,
  type Start,
} from '../../engine/optimizers/minimize.ts';
import { problemOf } from '../../engine/optimizers/program.ts';
import type { ScheduleName } from '../../engine/optimizers/schedules.ts';
import { build } from '../../engine/program/build.ts';
import { Value } from '../../engine/program/value.ts';
import { arrayFrom, type DType, type Tensor } from '../../engine/types.ts';

type Nested = number | readonly Nested[];

/** What the oracle printed. */
export interface Golden {
  readonly problems: Record<
    string,
    { params: Record<string, Nested>; data: Record<string, Nested>; batch: number | null }
  >;
  readonly optimizers: Record<
    string,
    {
      name: OptimizerName;
      rate: number;
      params: object;
      clip_norm: number | null;
      schedule: { name: ScheduleName; params: object } | null;
    }
  >;
  readonly trajectories: readonly {
    problem: string;
    optimizer: string;
    dtype: 'float32' | 'float64';
    losses: number[];
    norms: number[];
    params: Record<string, Nested>;
  }[];
  readonly schedules: readonly { name: ScheduleName; rate: number; params: object; values: number[] }[];
  readonly minima: readonly {
    problem: string;
    x: number[];
    data: Record<string, Nested>;
    minimum: number[];
    loss: number;
    iterations: number;
    evaluations: number;
  }[];
  readonly threefry: readonly { key: [number, number]; counter: [number, number]; words: [number, number] }[];
  readonly shuffles: readonly { seed: number; epoch: number; order: number[] }[];
}

/** The oracle's numbers: test/oracles/optimizers.py. */
export const GOLDEN: Golden = JSON.parse(
  readFileSync(new URL('golden/optimizers.json', import.meta.url), { encoding: 'utf8' }),
);

/** The problems as graphs. */
export const GRAPHS: Record<string, string> = {
  quadratic: 'loss = 0.5 * (x @ (a @ x)) - b @ x',
  rosenbrock: 'loss = sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)',
  network: 'loss = mean(sparse_softmax_cross_entropy_with_logits(labels, tanh(rows @ w1 + b1) @ w2 + b2))',
};

const native = openNative();

/** The backends that every law is held to. */
export const BACKENDS: readonly (readonly [string, Backend])[] = [
  ['portable', portable],
  ...(native ? [['native', native] as const] : []),
];

/** An engine that computes in one way from the first step to the last. */
export function engineOf(backend: Backend): Engine {
  return createEngine({ backend });
}

/** Nested lists as a value. */
export function tensorValue(nested: Nested, dtype: DType): Value {
  const shape: number[] = [];
  for (let level = nested; Array.isArray(level); level = level[0]) shape.push(level.length);
  return new Value(dtype, shape, arrayFrom(dtype, [nested].flat(9) as number[]));
}

/** Nested lists by name; those of labels are int32. */
export function valuesOf(lists: Record<string, Nested>, dtype: DType): Map<string, Value> {
  return new Map(
    Object.entries(lists).map(([name, list]) => [name, tensorValue(list, name === 'labels' ? 'int32' : dtype)]),
  );
}

/** What a test minimizes, and how. */
export interface Setup {
  readonly engine: Engine;
  readonly graph: unknown;
  readonly variables?: readonly string[];
  readonly optimizer: OptimizerName;
  readonly params?: object;
  readonly clipNorm?: number | undefined;
  readonly values: ReadonlyMap<string, Value>;
  readonly data?: Data | undefined;
}

/** The programs of a setup, compiled. */
export function prepared({ engine, graph, variables, optimizer, params, clipNorm, values, data }: Setup): Prepared {
  const all = new Map([...values, ...(data ? batchValues(data) : [])]);
  const checked = build(engine.readGraph(graph), all, engine.limits);
  return prepareMinimize(engine, problemOf(checked, 'loss', variables), choose(optimizer, params, clipNorm));
}

/** A minimization of a setup. */
export function begun(setup: Setup, start: Omit<Start, 'values' | 'data'>): Minimization {
  return minimize(prepared(setup), { ...start, values: setup.values, data: setup.data });
}

/** All that a minimization says. */
export async function all(run: Minimization): Promise<Progress[]> {
  return Array.fromAsync(run);
}

/** Copies of tensors as values: the originals' storage is used again. */
export function copied(tensors: ReadonlyMap<string, Tensor>): Map<string, Value> {
  return new Map([...tensors].map(([name, { type, data }]) => [name, new Value(type.dtype, type.shape, data.slice())]));
}

/** A mixture of everything that may go wrong: several variables, batches that lie across epochs. */
export function networkSetup(engine: Engine, optimizer: OptimizerName, dtype: DType = 'float32'): Setup {
  const { params, data, batch } = GOLDEN.problems.network as Golden['problems'][string];
  const full = valuesOf(data, dtype);
  const isBatched = optimizer !== 'lbfgs';
  return {
    engine,
    graph: GRAPHS.network,
    variables: Object.keys(params),
    optimizer,
    values: new Map([...valuesOf(params, dtype), ...(isBatched ? [] : full)]),
    data: isBatched ? { tensors: full, batch: batch as number, seed: 5 } : undefined,
  };
}
