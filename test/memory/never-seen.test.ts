/** What is remembered of graphs is bounded, and what is forgotten is free again: native code, and JavaScript's. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { NATIVE } from '../laws/run.ts';
import type { InUse } from './never-seen.ts';

const PROGRAM = fileURLToPath(new URL('never-seen.ts', import.meta.url));

function inUse(backend: string, graphs: number): readonly InUse[] {
  const args = ['--expose-gc', PROGRAM, backend, String(graphs)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as InUse[];
}

/** By how many bytes the heap grew over the second half. */
function growth([, half, , end]: readonly InUse[]): number {
  return end!.heap - half!.heap;
}

test('code in JavaScript is forgotten with what it was made for', { timeout: 120_000 }, () => {
  // Each of these 1200 graphs would take more than 5 KB.
  expect(growth(inUse('portable', 2400))).toBeLessThan(2 ** 21);
});

test.skipIf(!NATIVE)(
  `native code is unlinked with what it was made for${NATIVE ? '' : ' (no libLLVM)'}`,
  { timeout: 120_000 },
  () => {
    const looks = inUse('native', 800);
    const [, half, , end] = looks;
    expect(growth(looks)).toBeLessThan(2 ** 20);
    // Each module has a region of its own; there are 400 more modules at the end than half-way.
    if (half!.executable !== undefined) expect(end!.executable! - half!.executable).toBeLessThan(50);
  },
);
