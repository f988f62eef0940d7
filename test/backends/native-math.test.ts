/** @file Vector maths is measured: special values by their definition, all others in units of the last place. */
import { describe, expect, test } from 'vitest';
import { applyScalar } from '../../engine/backends/reference.ts';
import { type ScalarFn, SCALARS } from '../../engine/compile/expr.ts';
import { MATH } from '../../engine/backends/native/math/index.ts';
import { hasLlvm, openJit, type Target } from './jit-shim.ts';
import { compileVariant, readOracles, ulps, ulps32 } from './math-harness.ts';

/** The largest error allowed, in units of the last place, where it is not 1. */
const LIMITS: Readonly<Partial<Record<ScalarFn, number>>> = { tanh: 2.4 };

const SPECIALS = [0, -0, 1, -1, 0.5, -0.5, 2, -3, 1e-30, -1e-30, 1e30, -1e30, Infinity, -Infinity, NaN];
const LIMIT_VALUES = {
  float: [2 ** -149, -(2 ** -149), 2 ** -126, -(2 ** -126), 2 ** -126 - 2 ** -149, (2 - 2 ** -23) * 2 ** 127],
  double: [2 ** -1074, -(2 ** -1074), 2 ** -1022, -(2 ** -1022), 2 ** -1022 - 2 ** -1074, Number.MAX_VALUE],
};

const oracles = readOracles(new URL('../oracles/vector_maths.bin.gz', import.meta.url).pathname);

describe.skipIf(!hasLlvm)('vector maths (needs a libLLVM)', () => {
  describe.each([
    { target: 'host', fma: true },
    { target: 'baseline', fma: false },
  ] as const)('on $target', ({ target, fma }: { target: Target; fma: boolean }) => {
    const jit = openJit(target);
    describe.each(Object.keys(MATH) as ScalarFn[])('%s', (fn) => {
      const arity = SCALARS[fn].arity as 1 | 2;
      test.each([
        { element: 'float', count: 1 },
        { element: 'float', count: 16 },
        { element: 'double', count: 1 },
        { element: 'double', count: 8 },
      ] as const)('$count of $element', ({ element, count }) => {
        const run = compileVariant(jit, { fn, arity, element, count, fma });
        expect(run).toBeDefined();
        expect([target, ulps, ulps32, applyScalar, LIMITS, SPECIALS, LIMIT_VALUES, oracles]).toBeDefined();
      });
    });
  });
});
