/** Long chains go through every pass with a stack a fifth of the usual: nothing recurses on the length of a program. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Chain, Found } from './deep-run.ts';

const SCRIPT = fileURLToPath(new URL('deep-run.ts', import.meta.url));

function deep(kind: Chain, length: number, shape: 'scalar' | 'vector'): Found {
  // In kilobytes; Node's own default is 984.
  const args = ['--stack-size=200', SCRIPT, kind, String(length), shape];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 110_000 })) as Found;
}

/** The chain `mixed` by hand, with its derivative. */
function mixed(length: number): { value: number; slope: number } {
  let [value, slope] = [0.7, 1];
  for (let i = 0; i < length; i++) {
    if (i % 3 === 0) [value, slope] = [Math.sin(value), slope * Math.cos(value)];
    else if (i % 3 === 1) [value, slope] = [value * 1.0001, slope * 1.0001];
    else value += 0.0001;
  }
  return { value, slope };
}

describe('long chains', { timeout: 120_000 }, () => {
  for (const [length, shape] of [
    [100_000, 'vector'],
    [10_000, 'scalar'],
  ] as const)
    test(`${length} nodes on a ${shape}`, () => {
      const found = deep('mixed', length, shape);
      const { value, slope } = mixed(length);
      expect(found.sameWhenReadBack).toBe(true);
      expect(found.link).toBe('connected');
      expect(found.value / value).toBeCloseTo(1, 10);
      expect(found.derivative / slope).toBeCloseTo(1, 8);
      expect(found.pushed / slope).toBeCloseTo(1, 8);
      for (const element of found.batched) expect(element).toBe(found.value);
    });

  test('a chain that doubles 5,000 times is linear in its length', () => {
    const [short, long] = [deep('doubling', 5_000, 'vector'), deep('doubling', 10_000, 'vector')];
    expect(long.value).toBe(0.7);
    expect(long.derivative).toBe(1);
    expect(long.pushed).toBe(1);
    expect(long.equations).toBeLessThan(2.1 * short.equations);
    expect(long.cost.flops).toBeLessThan(2.1 * short.cost.flops);
    expect(long.cost.peakBytes).toBeLessThan(2.1 * short.cost.peakBytes);
  });

  test('a chain of 1,000 folds', () => {
    // Each pair of steps triples the sum.
    const found = deep('folds', 1_000, 'vector');
    expect(found.value / (2.1 * 3 ** 499)).toBeCloseTo(1, 10);
    expect(found.derivative / 3 ** 500).toBeCloseTo(1, 10);
  });
});
