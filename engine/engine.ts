/** @file The engine as the services see it: reads graphs, compiles programs within the limits, and remembers both. */
import type { Backend } from './backends/backend.ts';
import { portable } from './backends/portable.ts';
import { reference } from './backends/reference.ts';
import { type Cost, plan } from './compile/plan.ts';
import { EngineError } from './errors.ts';
import { parseText } from './formats/text/parse.ts';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { LruCache } from './lru.ts';
import { entryOf } from './ops/catalogue.ts';
import { type GraphDocument, readDocument } from './program/document.ts';
import type { Program } from './program/program.ts';
import { type Executable, executable } from './runtime/execute.ts';

/** The backends by name. */
export const BACKENDS = { portable, reference } as const;

/** A backend's name. */
export type BackendName = keyof typeof BACKENDS;

/** What an engine is made of; every part has a default. */
export interface EngineOptions {
  readonly limits?: Limits;
  readonly backend?: BackendName;
  /** How many prepared requests are remembered. */
  readonly cached?: number;
}

/** An engine: pure but for what it remembers. */
export interface Engine {
  readonly limits: Limits;
  readonly backend: BackendName;
  /** The document of a graph as sent: a document, or a line of text. */
  readGraph(json: unknown): GraphDocument;
  /** A program ready to run; throws `cost_exceeded` with the estimate when it is over the limits. */
  compile(program: Program): Executable;
  /** What a program costs; nothing is allocated. */
  estimate(program: Program): Cost;
  /** What was made for this key before, else what `make` makes. */
  remember<T>(key: string, make: () => T): { readonly value: T; readonly cached: boolean };
}

/** An engine with the given parts. */
export function createEngine({
  limits = DEFAULT_LIMITS,
  backend = 'portable',
  cached = 512,
}: EngineOptions = {}): Engine {
  const memory = new LruCache<unknown>(cached);
  return {
    limits,
    backend,
    readGraph: (json) => readGraph(json, limits),
    compile: (program) => {
      const planned = plan(program);
      checkCost(planned.cost, limits);
      return executable(planned, BACKENDS[backend] as unknown as Backend);
    },
    estimate: (program) => plan(program).cost,
    remember: <T>(key: string, make: () => T) => memory.get(key, make) as { value: T; cached: boolean },
  };
}

function readGraph(json: unknown, limits: Limits): GraphDocument {
  if (typeof json === 'string') return parseText(json, limits, positionalParam);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new EngineError('invalid_graph', "'graph' must be a graph document or a line of text", { pointer: '/graph' });
  return readDocument(json);
}

/** The param that a text graph gives by position `index` of a call. */
function positionalParam(op: string, index: number): string | undefined {
  const entry = entryOf(op);
  const positional = 'build' in entry ? entry.positional : entry.surface?.positional;
  return positional?.[index - entry.operands.length];
}

function checkCost({ flops, peakBytes }: Cost, limits: Limits): void {
  if (peakBytes > limits.peak_bytes)
    throw new EngineError(
      'cost_exceeded',
      `the computation would hold ${peakBytes} bytes at its peak; the limit 'peak_bytes' is ${limits.peak_bytes}`,
    );
  if (flops > limits.flops)
    throw new EngineError(
      'cost_exceeded',
      `the computation would take ${flops} scalar operations; the limit 'flops' is ${limits.flops}`,
    );
}
