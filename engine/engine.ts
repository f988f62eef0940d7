/** @file The engine as the services see it: reads graphs, compiles programs within the limits, and remembers both. */
import type { Backend, Checkpoint } from './backends/backend.ts';
import { hostBackend } from './backends/index.ts';
import { type Cost, type Plan, plan } from './compile/plan.ts';
import { EngineError } from './errors.ts';
import { parseText } from './formats/text/parse.ts';
import { interruptibly } from './interrupt.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { LruCache } from './lru.ts';
import { entryOf } from './ops/catalogue.ts';
import { type GraphDocument, readDocument } from './program/document.ts';
import type { Program } from './program/program.ts';
import { type Executable, executable } from './runtime/execute.ts';
import { formatType, sizeOf } from './types.ts';
import { weightOfExecutable } from './weight.ts';

/** What an engine is made of; every part has a default. */
export interface EngineOptions {
  readonly limits?: Limits;
  /** By default the fastest that works here. */
  readonly backend?: Backend;
  /** Bytes, roughly, that remembered graphs and compiled programs may take. */
  readonly memory?: number;
}

/** An engine: pure but for what it remembers. */
export interface Engine {
  readonly limits: Limits;
  /** The name of the backend that computes. */
  readonly backend: string;
  /** The document of a graph as sent: a document, or a line of text. */
  readGraph(json: unknown): GraphDocument;
  /**
   * A program ready to run; throws `cost_exceeded` with the estimate when it is over the limits, and `device_unfit` where
   * the backend has no such dtypes.
   */
  compile(program: Program): Executable;
  /** The executable of the program of a key, made when it is not remembered; throws as `compile` does. */
  executable(key: string, program: () => Program): Executable;
  /** What a program costs, by the same limits; nothing is compiled or allocated. */
  estimate(program: Program): Cost;
  /** What was made for this key before, else what `make` makes; `weigh` says how many bytes it takes, roughly. */
  remember<T>(key: string, make: () => T, weigh: (value: T) => number): { readonly value: T; readonly cached: boolean };
  /**
   * The same engine for one request: all that it is asked for ends when the checkpoint throws. What is interrupted is
   * not remembered, and what is remembered must not hold the engine of a request.
   */
  within(checkpoint: Checkpoint): Engine;
}

/** An engine with the given parts. */
export function createEngine({
  limits = DEFAULT_LIMITS,
  backend = hostBackend(),
  memory = 2 ** 30,
}: EngineOptions = {}): Engine {
  const cache = new LruCache<unknown>(memory);
  const compile = (program: Program): Executable => {
    const refusal = backend.refusal?.(program);
    if (refusal !== undefined) throw new EngineError('device_unfit', refusal, { pointer: '/options/device' });
    return executable(planWithin(program, limits, backend), backend);
  };
  const remember: Engine['remember'] = <T>(key: string, make: () => T, weigh: (value: T) => number) =>
    cache.get(key, make, weigh as (value: unknown) => number) as { value: T; cached: boolean };
  const engine: Engine = {
    limits,
    backend: backend.name,
    readGraph: (json) => readGraph(json, limits),
    compile,
    executable: (key, program) => remember(`code ${key}`, () => compile(program()), weightOfExecutable).value,
    estimate: (program) => planWithin(program, limits, backend).cost,
    remember,
    within: (checkpoint) => within(engine, checkpoint),
  };
  return engine;
}

function within(engine: Engine, checkpoint: Checkpoint): Engine {
  const during = <T>(work: () => T): T => interruptibly(checkpoint, work);
  return {
    ...engine,
    readGraph: (json) => during(() => engine.readGraph(json)),
    compile: (program) => during(() => engine.compile(program)),
    executable: (key, program) => during(() => engine.executable(key, program)),
    estimate: (program) => during(() => engine.estimate(program)),
    remember: (key, make, weigh) => during(() => engine.remember(key, make, weigh)),
  };
}

function readGraph(json: unknown, limits: Limits): GraphDocument {
  if (typeof json === 'string') return parseText(json, limits, positionalParam);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new EngineError('invalid_graph', "'graph' must be a graph document or a line of text", { pointer: '/graph' });
  return readDocument(json, limits);
}

/** The param that a text graph gives by position `index` of a call. */
function positionalParam(op: string, index: number): string | undefined {
  const entry = entryOf(op);
  const positional = 'build' in entry ? entry.positional : entry.surface?.positional;
  return positional?.[index - entry.operands.length];
}

function planWithin(program: Program, limits: Limits, backend: Backend): Plan {
  const planned = plan(program, backend);
  checkCost(planned.cost, limits);
  return planned;
}

/** Throws `cost_exceeded` with the estimate, naming the largest tensor: what takes the room is what a client can change. */
function checkCost({ flops, peakBytes, largest }: Cost, limits: Limits): void {
  const name = largest?.name === undefined ? '' : `'${largest.name}' `;
  const tensor = largest ? `${name}${formatType(largest.type)}` : 'no tensor';
  const fail = (estimate: string, limit: keyof Limits): never => {
    const where = largest?.name === undefined ? {} : { input: largest.name };
    throw new EngineError('cost_exceeded', `${estimate}; the limit '${limit}' is ${limits[limit]}`, where);
  };
  if (largest && sizeOf(largest.type.shape) > limits.elements)
    fail(`the computation would hold ${tensor}, ${sizeOf(largest.type.shape)} elements`, 'elements');
  if (peakBytes > limits.peak_bytes)
    fail(`the computation would hold ${peakBytes} bytes at its peak, the largest part for ${tensor}`, 'peak_bytes');
  if (flops > limits.flops) fail(`the computation would take ${flops} scalar operations`, 'flops');
}
