/** Plans begin in JavaScript and go on in native code, and outputs that are given back serve later runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { pooledMemory } from '../../engine/backends/native/memory.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { portable } from '../../engine/backends/portable.ts';
import { tiered } from '../../engine/backends/tiered.ts';
import { plan } from '../../engine/compile/plan.ts';
import { type Executable, executable } from '../../engine/runtime/execute.ts';
import type { Tensor, TypedArray } from '../../engine/types.ts';
import { expectSame } from '../laws/compare.ts';
import { typeOf } from '../laws/table.ts';
import { derivative, graphProgram } from '../programs/graphs.ts';

const native = openNative({ threads: 2 });

function fail(reason: unknown): never {
  throw reason;
}

function bind(graph: string, inputs: Readonly<Record<string, string>>, report = fail, from = native!): Executable {
  const backend = tiered(portable, from, report);
  return executable(plan(derivative(graphProgram(graph, inputs)), backend), backend);
}

function run(bound: Executable, ...inputs: readonly TypedArray[]): Tensor[] {
  return bound.run(inputs) as Tensor[];
}

/** Resolves when later runs are native. */
async function toNative(bound: Executable): Promise<void> {
  for (let i = 0; i < 500 && bound.backend !== 'native'; i++) await sleep(10);
  expect(bound.backend).toBe('native');
}

describe.skipIf(!native)('JavaScript, then native code (needs libLLVM)', () => {
  const x = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i));

  test('the first run is JavaScript’s, later ones are native, and all give the same', async () => {
    const bound = bind('y = sum(exp(x) * tanh(x))', { x: 'f32[1000]' });
    expect(bound.backend).toBe('portable');
    const first = run(bound, x);
    for (let i = 0; i < 200 && bound.backend === 'portable'; i++) {
      expectSame(run(bound, x), first, native!.tolerance, `run ${i}`);
      await sleep(5);
    }
    await toNative(bound);
    expectSame(run(bound, x), first, native!.tolerance, 'native');
  });

  test('what takes less than a call of native code stays in JavaScript', async () => {
    const bound = bind('y = x * x', { x: 'f32[3]' });
    for (let i = 0; i < 5; i++) {
      expectSame(run(bound, x.slice(0, 3)), run(bound, x.slice(0, 3)), native!.tolerance, `run ${i}`);
      await sleep(5);
    }
    expect(bound.backend).toBe('portable');
    bound.release(run(bound, x.slice(0, 3)));
  });

  test('what JavaScript takes long for is native at once', () => {
    expect(bind('y = sum(x @ x)', { x: 'f32[500,500]' }).backend).toBe('native');
  });

  test('a first run that ends early is no reason to stay in JavaScript', async () => {
    const bound = bind('y = sum(exp(x) - tanh(x))', { x: 'f32[1000]' });
    const late = {
      left: () => 0,
      check() {
        throw new Error('the end has come');
      },
    };
    expect(() => bound.run([x], late)).toThrow('the end has come');
    await toNative(bound);
  });

  test('code that cannot be made is reported once, and JavaScript goes on', async () => {
    const reasons: unknown[] = [];
    const broken = { ...native!, loadAside: () => Promise.reject(new Error('no code')) };
    const report = (reason: unknown): void => void reasons.push(reason);
    const bound = bind('y = sum(cos(x))', { x: 'f32[1000]' }, report as typeof fail, broken);
    const first = run(bound, x);
    for (let i = 0; i < 3; i++) {
      await sleep(5);
      expect(run(bound, x)).toEqual(first);
    }
    expect(bound.backend).toBe('portable');
    expect(reasons).toEqual([new Error('no code')]);
  });
});

describe.skipIf(!native)('outputs that are given back (needs libLLVM)', () => {
  const size = 40_000;
  const input = (value: number): Float32Array => new Float32Array(size).fill(value);
  const buffersOf = (outputs: readonly Tensor[]): ArrayBufferLike[] => outputs.map(({ data }) => data.buffer);
  const nativeNow = async (): Promise<Executable> => {
    const bound = bind('y = x * x', { x: `f32[${size}]` });
    run(bound, input(1));
    await toNative(bound);
    return bound;
  };

  test('serve later runs, and no others do', async () => {
    const bound = await nativeNow();
    const kept = run(bound, input(2));
    const given = run(bound, input(3));
    const buffers = buffersOf(given);
    bound.release(given);
    const next = run(bound, input(4));
    expect(new Set(buffersOf(next))).toEqual(new Set(buffers));
    expect(kept[0]!.data).toEqual(input(4));
    expect(next[0]!.data).toEqual(input(16));
  });

  test('are lent to one at a time, however often they are given back', async () => {
    const bound = await nativeNow();
    const given = run(bound, input(2));
    for (let i = 0; i < 3; i++) bound.release([...given, ...given]);
    const lent = Array.from({ length: 4 }, (_, i) => run(bound, input(i)));
    const buffers = lent.flatMap(buffersOf);
    expect(new Set(buffers).size).toBe(buffers.length);
    lent.forEach(([y], i) => expect(y!.data).toEqual(input(i * i)));
  });

  test('are no inputs, no arrays of others, and none of JavaScript’s', async () => {
    const bound = bind('y = x * x', { x: `f32[${size}]` });
    const early = run(bound, input(1));
    await toNative(bound);
    const x = input(5);
    const type = typeOf(`f32[${size}]`);
    // As long as what the backend lends, which is somewhat longer than the tensor.
    const foreign = new Float32Array(new ArrayBuffer(size * 4 + 64), 0, size);
    bound.release([
      ...early,
      { type, data: x },
      { type, data: foreign },
      { type: typeOf('f32[3]'), data: x.slice(0, 3) },
    ]);
    const others = new Set([...buffersOf(early), x.buffer, foreign.buffer]);
    for (let i = 0; i < 4; i++) for (const buffer of buffersOf(run(bound, x))) expect(others.has(buffer)).toBe(false);
    expect(x).toEqual(input(5));
  });

  test('are kept up to a number of bytes', () => {
    const pool = pooledMemory(2 ** 20);
    const type = typeOf('f64[50000]');
    const given = Array.from({ length: 4 }, () => pool.tensor(type));
    pool.release(given);
    const buffers = new Set(given.map(({ buffer }) => buffer));
    const again = Array.from({ length: 4 }, () => pool.tensor(type));
    expect(again.filter(({ buffer }) => buffers.has(buffer))).toHaveLength(2);
  });
});
