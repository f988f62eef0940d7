/** @file Vector maths against its definition: special values, and errors in units of the last place. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { applyScalar } from '../../engine/backends/reference.ts';
import type { ScalarFn } from '../../engine/compile/expr.ts';
import { hasLlvm, type Jit, openJit } from './jit-shim.ts';
import {
  ARRAYS,
  arityOf,
  compileVariant,
  DTYPE_OF,
  definition,
  FUNCTIONS,
  type MathElement,
  type Numbers,
  operandsAt,
  readOracles,
  ulps,
  ulpsOfFloat,
  worstOf,
  worstOfDouble,
  worstOfFloat,
} from './math-harness.ts';

/** The largest errors in units of the last place; docs/native-math.md has those found. */
const LIMITS: Readonly<Partial<Record<ScalarFn, number>>> = {
  abs: 0,
  acos: 1.2,
  asin: 2.4,
  atan: 1.3,
  atan2: 1.8,
  ceil: 0,
  cos: 1.1,
  cosh: 1.5,
  erf: 2.2,
  exp: 1.1,
  expm1: 2.1,
  floor: 0,
  // Of quotients so large that all near them are integers; the definition rounds as often.
  floordiv: 2,
  log: 0.9,
  log1p: 1.5,
  max: 0,
  min: 0,
  mod: 0.51,
  pow: 1.1,
  round: 0,
  rsqrt: 1.5,
  sign: 0,
  sin: 1.1,
  sinh: 2.4,
  tan: 2.5,
  tanh: 2.5,
};

/** How much larger they are where a product is rounded before it is added to. */
const UNFUSED = 0.3;

const INTEGER_FUNCTIONS = new Set(['abs', 'ceil', 'floor', 'floordiv', 'max', 'min', 'mod', 'pow', 'round', 'sign']);

const SPECIAL_NUMBERS = [0, 0.5, 1, 2, 3, 1e-30, 1e30, 2 ** 52 + 1, Infinity].flatMap((x) => [x, -x]);

const SPECIALS = {
  float: [...SPECIAL_NUMBERS, NaN, ...edges(2 ** -149, 2 ** -126, (2 - 2 ** -23) * 2 ** 127)],
  double: [...SPECIAL_NUMBERS, NaN, ...edges(2 ** -1074, 2 ** -1022, Number.MAX_VALUE)],
  i32: [0, 1, 2, 3, 7, 10, 31, 46341, 2 ** 31 - 1].flatMap((x) => [x, -x, ~x]),
  i64: [0n, 1n, 2n, 3n, 7n, 10n, 63n, 3037000500n, 2n ** 63n - 1n].flatMap((x) => [x, -x, ~x]),
} as const;

function edges(leastSubnormal: number, leastNormal: number, largest: number): number[] {
  return [leastSubnormal, leastNormal - leastSubnormal, leastNormal, largest].flatMap((x) => [x, -x]);
}

const oracles = readOracles(fileURLToPath(new URL('../oracles/vector_maths.bin.gz', import.meta.url)));

const TARGETS = [
  { target: 'host', fma: true },
  { target: 'baseline', fma: false },
] as const;

const LANES = [
  { element: 'float', count: 1 },
  { element: 'float', count: 16 },
  { element: 'double', count: 1 },
  { element: 'double', count: 8 },
] as const;

const INTEGER_LANES = [
  { element: 'i32', count: 1 },
  { element: 'i32', count: 16 },
  { element: 'i64', count: 1 },
  { element: 'i64', count: 8 },
] as const;

describe.skipIf(!hasLlvm)('vector maths (skipped where there is no libLLVM)', () => {
  describe.each(TARGETS)('for the $target processor', ({ target, fma }) => {
    const jit = hasLlvm ? openJit(target) : (undefined as unknown as Jit);
    const compile = (fn: ScalarFn, element: MathElement, count: number) =>
      compileVariant(jit, { fn, element, count, fma });

    describe.each(FUNCTIONS)('%s', (fn) => {
      const given = LIMITS[fn] as number;
      const limit = fma || given === 0 ? given : given + UNFUSED;

      test.each(LANES)('of $count $element', ({ element, count }) => {
        const run = compile(fn, element, count);
        const special = pairs(element, arityOf(fn));
        expect(worstSpecial(fn, element, special, run(special))).toSatisfy(isWithin(Math.max(limit, 1)));
        const oracle = oracles.get(fn);
        if (element === 'double') {
          const inputs = oracle?.inputs ?? drawn('double', arityOf(fn));
          expect(worstOfDouble(fn, oracle, inputs, run(inputs))).toSatisfy(isWithin(limit));
        } else {
          const awkward = oracle?.inputs.map((input) => new Float32Array(input));
          for (const inputs of [drawn('float', arityOf(fn)), ...(awkward ? [awkward] : [])]) {
            expect(worstOfFloat(fn, inputs, run(inputs))).toSatisfy(isWithin(limit));
          }
        }
      });
    });

    test.each([2, 4, 32])('the result is the same for %d lanes as for one', (count) => {
      for (const fn of FUNCTIONS) {
        const inputs = pairs('float', arityOf(fn));
        expect(compile(fn, 'float', count)(inputs), fn).toEqual(compile(fn, 'float', 1)(inputs));
      }
    });

    describe.each(FUNCTIONS.filter((fn) => INTEGER_FUNCTIONS.has(fn)))('%s', (fn) => {
      test.each(INTEGER_LANES)('of $count $element', ({ element, count }) => {
        const run = compile(fn, element, count);
        for (const inputs of [pairs(element, arityOf(fn)), drawn(element, arityOf(fn))]) {
          const dtype = DTYPE_OF[element];
          const got = run(inputs);
          const wanted = got.map(
            (_: unknown, i: number) => applyScalar(fn, dtype, dtype, operandsAt(inputs, i)) as never,
          );
          expect(got).toEqual(wanted);
        }
      });
    });
  });
});

function isWithin(limit: number): (worst: { readonly error: number }) => boolean {
  return ({ error }) => error <= limit;
}

/** Every special value, or every pair of them. */
function pairs(element: MathElement, arity: number): Numbers[] {
  const values: readonly (number | bigint)[] = SPECIALS[element];
  const rows = arity === 1 ? values.map((x) => [x]) : values.flatMap((x) => values.map((y) => [x, y]));
  return Array.from({ length: arity }, (_, k) => new ARRAYS[element](rows.map((row) => row[k]) as never));
}

/** Bits drawn at random, the same ones every time; half of the numbers are of everyday size. */
function drawn(element: MathElement, arity: number): Numbers[] {
  let state = 12345;
  const word = (): number => {
    // Marsaglia's xorshift
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const count = 20_000;
  return Array.from({ length: arity }, () => {
    const words = Uint32Array.from({ length: 2 * count }, word);
    const numbers = new ARRAYS[element](words.buffer, 0, count);
    for (let i = 0; i < count; i += 2) {
      const everyday = (word() / 2 ** 32 - 0.5) * 20;
      numbers[i] = (element === 'i64' ? BigInt(Math.trunc(everyday)) : everyday) as never;
    }
    return numbers;
  });
}

/** The error over special values, against the definition; infinite results and zeros are exact. */
function worstSpecial(fn: ScalarFn, element: 'float' | 'double', inputs: readonly Numbers[], got: Numbers) {
  return worstOf(inputs, (i) => {
    const exact = definition(fn, operandsAt(inputs, i));
    return element === 'float' ? ulpsOfFloat(got[i] as number, exact) : ulps(got[i] as number, exact, 0, 'double');
  });
}
