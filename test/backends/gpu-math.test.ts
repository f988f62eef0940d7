/** @file The gpu's scalar functions are as exact as docs/gpu-math.md says, at all sizes. */
import { afterAll, describe, expect, test } from 'vitest';
import type { Gpu } from '../../engine/backends/gpu/gpu.ts';
import { gpuForTests } from '../gpu.ts';
import { MEASURED, MOST_UNITS, measure } from './gpu-math-harness.ts';

const { gpu, on } = await gpuForTests();
afterAll(() => gpu?.close());

describe.skipIf(!gpu)(`scalar functions ${on}`, () => {
  for (const fn of MEASURED)
    test(fn, async () => {
      const { units, worst, wrong } = await measure((gpu as Gpu).backend, fn, 4096);
      expect(units, `of ${worst}`).toBeLessThanOrEqual(MOST_UNITS[fn]);
      expect(wrong).toEqual([]);
    });
});
