/** @file Measures the gpu's scalar functions in units of the last place of the exact result. */
import { type Backend, UNLIMITED } from '../../engine/backends/backend.ts';
import { applyScalar } from '../../engine/backends/reference.ts';
import { Exprs, SCALARS, type ScalarFn } from '../../engine/compile/expr.ts';
import type { Plan } from '../../engine/compile/plan.ts';
import type { Var } from '../../engine/program/program.ts';
import { randomFrom } from '../laws/draw.ts';

/**
 * The most units that each function may be off: what was measured on SwiftShader and a little, since a device may fuse
 * products with sums, and need not round quotients and roots rightly.
 */
export const MOST_UNITS = {
  neg: 0,
  abs: 0,
  sign: 0,
  floor: 0,
  ceil: 0,
  round: 0,
  min: 0,
  max: 0,
  add: 0.5,
  sub: 0.5,
  mul: 0.5,
  div: 3,
  sqrt: 3,
  rsqrt: 4,
  exp: 2,
  expm1: 3,
  log: 2,
  log1p: 3,
  sin: 4,
  cos: 4,
  tan: 6,
  asin: 4,
  acos: 4,
  atan: 3,
  atan2: 4,
  sinh: 5,
  cosh: 4,
  tanh: 5,
  erf: 5,
  pow: 3,
  floordiv: 3,
  mod: 1,
} as const satisfies Partial<Record<ScalarFn, number>>;

/** The functions that are measured. */
export const MEASURED = Object.keys(MOST_UNITS) as readonly (keyof typeof MOST_UNITS)[];

/** What was found of a function. */
export interface Findings {
  /** The largest error, where the result is an ordinary number. */
  readonly units: number;
  readonly worst: readonly number[] | undefined;
  /** Operands whose result is infinite or NaN where the exact one is not, or the other way round. */
  readonly wrong: readonly (readonly number[])[];
}

/** Measures a function over `count` operands of each kind: any bits, and everyday sizes. */
export async function measure(backend: Backend, fn: keyof typeof MOST_UNITS, count: number): Promise<Findings> {
  const { arity } = SCALARS[fn];
  const loaded = backend.load(planOf(fn, arity, count));
  let units = 0;
  let worst: readonly number[] | undefined;
  const wrong: number[][] = [];
  for (const operands of operandsOf(arity, count)) {
    const [results] = await loaded.run(operands, UNLIMITED);
    for (let i = 0; i < count; i++) {
      const given = operands.map((operand) => operand[i] as number);
      const error = errorOf(fn, given, Number(results?.[i]));
      if (error === undefined) wrong.push(given);
      else if (error > units) [units, worst] = [error, given];
    }
  }
  return { units, worst, wrong };
}

function* operandsOf(arity: number, count: number): Generator<Float32Array[]> {
  const random = randomFrom(11);
  const bits = (): Float32Array =>
    new Float32Array(Uint32Array.from({ length: count }, () => random() * 2 ** 32).buffer);
  const within = (low: number, high: number): Float32Array =>
    Float32Array.from({ length: count }, () => low + (high - low) * random());
  if (arity === 1) {
    yield [bits()];
    for (const end of [1e-3, 1, 4, 100, 1e5]) yield [within(-end, end)];
    yield [within(0.9, 1.1)];
  } else {
    yield [bits(), bits()];
    yield [within(-4, 4), within(-4, 4)];
    yield [within(0, 2), within(-100, 100)];
    yield [within(0.9, 1.1), within(-1000, 1000)];
  }
}

/** 2^-126: below it numbers are subnormal, and a gpu may take them for zeros. */
const TINY = 2 ** -126;

/** Units off; `undefined` where one of the two is no finite number and the other is. */
function errorOf(fn: ScalarFn, given: readonly number[], result: number): number | undefined {
  // Quotients and what they leave come near zero on the way where operands are this small.
  const small = fn === 'mod' || fn === 'floordiv' ? 1e-30 : TINY;
  const isSmall = (x: number): boolean => x !== 0 && Math.abs(x) < small;
  if (given.some(isSmall)) return 0;
  const exact = Number(applyScalar(fn, 'float64', 'float64', given));
  if (Object.is(Math.fround(exact), result) || exact === result) return 0;
  // A result of 0 is as good as a subnormal one.
  if (isSmall(exact)) return Math.abs(result) < 1.01 * small ? 0 : undefined;
  // Where rounding decides whether the range is left, either is right.
  const isAtEnd = Math.abs(exact) > 3.4028e38 && Math.abs(exact) < 3.4029e38;
  if (isAtEnd && Math.abs(result) > 3.4e38) return 0;
  if (!Number.isFinite(Math.fround(exact)) || !Number.isFinite(result)) return undefined;
  return Math.abs(result - exact) / 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(exact)))) - 23);
}

function planOf(fn: ScalarFn, arity: number, count: number): Plan {
  const e = new Exprs();
  const variable = (): Var => ({ type: { dtype: 'float32', shape: [count] }, name: undefined });
  const inputs = Array.from({ length: arity }, variable);
  const target = variable();
  const at = e.linear(count);
  const expr = e.apply(
    fn,
    inputs.map((input) => e.load(input, at)),
  );
  return {
    inputs: inputs.map(({ type }) => type),
    buffers: [
      ...inputs.map(({ type }, index) => ({ type, place: { kind: 'input', index } }) as const),
      { type: target.type, place: { kind: 'output' } },
    ],
    steps: [
      {
        kind: 'kernel',
        kernel: { space: [count], stores: [{ target, expr }], windows: [], flops: 0 },
        reads: inputs,
        inPlace: new Set(),
        inputs: inputs.map((_, i) => i),
        outputs: [arity],
      },
    ],
    outputs: [arity],
    arenaBytes: 0,
    cost: { flops: 0, bytes: 0, peakBytes: 0, heldBytes: 0, largest: undefined },
  };
}
