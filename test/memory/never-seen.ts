/**
 * @file A process that is asked for ever new graphs by a cache that holds few of them, and writes what it has in use
 * after each of several parts as JSON: bytes of its heap, and regions of memory that can be executed.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Backend } from '../../engine/backends/backend.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine } from '../../engine/engine.ts';
import { build } from '../../engine/program/build.ts';
import { Value } from '../../engine/program/value.ts';

/** What is in use after a part. */
export interface InUse {
  readonly heap: number;
  /** Regions that can be executed; none where the system does not say. */
  readonly executable: number | undefined;
}

const PARTS = 4;
const MAPS = '/proc/self/maps';

const [name, graphs] = process.argv.slice(2) as [string, string];
const backend: Backend = name === 'portable' ? portable : (openNative({ threads: 1 }) as Backend);
const engine = createEngine({ backend, memory: 2 ** 20 });
const x = new Float32Array(16).fill(0.5);
const values = new Map([['x', new Value('float32', [4, 4], x)]]);

async function part(from: number, count: number): Promise<InUse> {
  for (let i = from; i < from + count; i++) {
    const graph = `y = sum(tanh(x * ${1 + i / 1e4}) @ x, axis=1) / ${2 + i / 1e4}`;
    await engine.executable(graph, () => build(engine.readGraph(graph), values, engine.limits).program).run([x]);
    // What is to be done when something was collected is done between turns.
    if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  for (let i = 0; i < 4; i++) {
    (globalThis as unknown as { gc(): void }).gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { heap: process.memoryUsage().heapUsed, executable: executableRegions() };
}

function executableRegions(): number | undefined {
  if (!existsSync(MAPS)) return undefined;
  return readFileSync(MAPS, 'latin1')
    .split('\n')
    .filter((line) => / r-xp /.test(line)).length;
}

const inUse: InUse[] = [];
const each = Number(graphs) / PARTS;
for (let i = 0; i < PARTS; i++) inUse.push(await part(i * each, each));
process.stdout.write(JSON.stringify(inUse));
