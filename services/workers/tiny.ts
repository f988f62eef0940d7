/** @file The engine of the process that serves, for what costs less than the way to a worker and back. */
import { portable } from '../../engine/backends/portable.ts';
import { createEngine } from '../../engine/engine.ts';
import type { Limits } from '../../engine/limits.ts';
import type { Config } from '../config.ts';
import type { Engines } from './engines.ts';
import { enginesHere } from './here.ts';

/** What it takes on, beside a number of scalar operations; all else it refuses. */
const MOST: Partial<Limits> = { nodes: 256, equations: 4096, elements: 4096, peak_bytes: 2 ** 18 };

/** Bytes of graphs and programs that it remembers. */
const MEMORY = 2 ** 26;

/** An engine for tiny computations, in JavaScript: no fault of native code can reach the process that serves. */
export function tinyEngines({ limits, inlineFlops }: Config): Engines {
  const least = Object.entries({ ...MOST, flops: inlineFlops }).map(([name, most]) => [
    name,
    Math.min(most, limits[name as keyof Limits]),
  ]);
  const engine = createEngine({
    limits: { ...limits, ...Object.fromEntries(least) },
    backend: portable,
    memory: MEMORY,
  });
  // What it does has nothing to do with sessions.
  const none = undefined as never;
  return enginesHere(engine, none, () => none);
}
