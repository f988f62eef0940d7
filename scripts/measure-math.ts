/**
 * @file Measures the native backend's vector maths and writes docs/native-math.md. Its argument is a file that
 * test/oracles/vector_maths.py wrote, with more inputs than the one that the tests read:
 *
 *     python test/oracles/vector_maths.py /tmp/oracles.gz 40000
 *     node_modules/.bin/node scripts/measure-math.ts /tmp/oracles.gz
 */
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import type { ScalarFn } from '../engine/compile/expr.ts';
import { openJit } from '../test/backends/jit-shim.ts';
import {
  arityOf,
  compileVariant,
  FUNCTIONS,
  kernelText,
  type Numbers,
  readOracles,
  worstOfDouble,
  worstOfFloat,
} from '../test/backends/math-harness.ts';

const [path] = process.argv.slice(2);
if (!path) throw new Error('usage: measure-math.ts <file of test/oracles/vector_maths.py>');
const oracles = readOracles(path);

/** Every so many bit patterns of float32 one is measured; prime, so that all kinds of low bits occur. */
const STRIDE = 127;
const CHUNK = 2 ** 20;
const PAIRS = 2 ** 24;

const targets = [
  { target: 'host', fma: true },
  { target: 'baseline', fma: false },
] as const;
const jits = targets.map(({ target }) => openJit(target));

/** Operands for float32: bit patterns for functions of one number; for those of two, of all sizes and of everyday ones. */
function* floatInputs(fn: ScalarFn): Generator<readonly Numbers[]> {
  const oracle = oracles.get(fn);
  if (oracle) yield oracle.inputs.map((input) => Float32Array.from(input));
  if (arityOf(fn) === 1) {
    for (let first = 0; first < 2 ** 32; first += CHUNK * STRIDE) {
      const length = Math.min(CHUNK, Math.ceil((2 ** 32 - first) / STRIDE));
      yield [new Float32Array(Uint32Array.from({ length }, (_, i) => first + i * STRIDE).buffer)];
    }
    return;
  }
  const bits = (): Float32Array =>
    new Float32Array(Uint32Array.from({ length: CHUNK }, () => Math.random() * 2 ** 32).buffer);
  const within = (low: number, high: number): Float32Array =>
    Float32Array.from({ length: CHUNK }, () => low + (high - low) * Math.random());
  for (let done = 0; done < PAIRS; done += 4 * CHUNK) {
    yield [bits(), bits()];
    yield [within(-4, 4), within(-4, 4)];
    yield [within(0, 2), within(-100, 100)];
    yield [within(0.9, 1.1), within(-1000, 1000)];
  }
}

function floatError(fn: ScalarFn, which: number): number {
  const run = compileVariant(jits[which]!, { fn, element: 'float', count: 16, fma: targets[which]!.fma });
  let error = 0;
  for (const inputs of floatInputs(fn)) error = Math.max(error, worstOfFloat(fn, inputs, run(inputs)).error);
  return error;
}

function doubleError(fn: ScalarFn, which: number): number {
  const oracle = oracles.get(fn);
  const run = compileVariant(jits[which]!, { fn, element: 'double', count: 8, fma: targets[which]!.fma });
  const anyBits = (): Float64Array =>
    new Float64Array(Uint32Array.from({ length: 2 * CHUNK }, () => Math.random() * 2 ** 32).buffer);
  const inputs = oracle?.inputs ?? Array.from({ length: arityOf(fn) }, anyBits);
  return worstOfDouble(fn, oracle, inputs, run(inputs)).error;
}

/** Nanoseconds for so many elements of everyday size that stay in the nearest cache. */
function nanoseconds(fn: ScalarFn, element: 'float' | 'double', elements: number): number {
  const length = 2048;
  const column = (): Numbers => {
    const values = Array.from({ length }, () => Math.random() * 2);
    return element === 'float' ? new Float32Array(values) : new Float64Array(values);
  };
  const columns = Array.from({ length: arityOf(fn) + 1 }, column);
  const name = `time_${fn}_${element}`;
  const text = kernelText({ fn, element, count: element === 'float' ? 16 : 8, fma: true }, name);
  const run = jits[0]!.compile(text, name, `${'void*, '.repeat(columns.length)}int64_t`);
  let best = Infinity;
  for (let round = 0; round < 100; round++) {
    const start = performance.now();
    for (let repeat = 0; repeat < 20; repeat++) run(...columns, BigInt(length));
    best = Math.min(best, performance.now() - start);
  }
  return (best * 1e6 * elements) / (20 * length);
}

const rows: string[] = [];
for (const fn of FUNCTIONS) {
  const errors = [0, 1].flatMap((which) => [floatError(fn, which), doubleError(fn, which)]);
  const times = [nanoseconds(fn, 'float', 16), nanoseconds(fn, 'double', 16)];
  const cells = [
    ...errors.map((error) => (error === 0 ? '0' : error.toFixed(2))),
    ...times.map((time) => time.toFixed(1)),
  ];
  rows.push(`| \`${fn}\` | ${cells.join(' | ')} |`);
  process.stdout.write(`${rows.at(-1)}\n`);
}

const counts = [...oracles.values()].map(({ nearest }) => nearest.length);
await writeFile(
  new URL('../docs/native-math.md', import.meta.url),
  `<!-- Written by \`scripts/measure-math.ts\`. -->

# The native backend's vector maths

\`engine/backends/native/math/\` computes the scalar functions for all lanes of a vector at once, in the operands' own precision (\`pow\` of float32 goes through float64). The largest errors found, in units in the last place of the exact result; 0.5 is what correct rounding leaves. NaN, infinities, the signs of zeros and subnormal numbers, in and out, are as in the definition ([ADR 6](adr/0006-numbers.md)).

| | float32, fma | float64, fma | float32, no fma | float64, no fma | ns, 16 float32 | ns, 16 float64 |
|---|---|---|---|---|---|---|
${rows.join('\n')}

**Measured over**: float32, of one number every ${STRIDE}th bit pattern, against the definition in float64; of two numbers ${PAIRS / 2 ** 20} million pairs, a quarter of any bits, the rest of everyday sizes. float64, ${Math.min(...counts).toLocaleString('en')} inputs a function against mpmath at 200 bits: any bits, the interesting intervals, and beside roots, poles, multiples of π/2, the ends of the range and the places where argument reductions change; functions whose results are floats by nature, such as \`floor\`, against the definition. \`floordiv\` is exact up to 2^51 and the definition's beyond.

**Two kinds of processor**: this one, ${cpus()[0]!.model}, with fma; and the least that the architecture promises, where sums and products are rounded separately and parts of constants are shorter so that the products that must be exact are.

**Angles**: \`sin\`, \`cos\` and \`tan\` subtract multiples of π/2 in three words (four where there is no fma) up to 2^17 in float32 and 2^30 in float64 (2^13 and 2^26); a vector with a larger angle in it calls the C library for its lanes, on a branch of its own.

Times are the best of many rounds on vectors of ${512 / 32} float32 or ${512 / 64} float64, from and to the first-level cache.
`,
);
