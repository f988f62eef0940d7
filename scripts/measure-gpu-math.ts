/**
 * @file Measures the gpu backend's scalar functions and writes docs/gpu-math.md: `node scripts/measure-gpu-math.ts`, on
 * the gpu that tests run on.
 */
import { writeFile } from 'node:fs/promises';
import { MEASURED, MOST_UNITS, measure } from '../test/backends/gpu-math-harness.ts';
import { openTestGpu } from '../test/gpu.ts';

const COUNT = 2 ** 18;

const gpu = await openTestGpu();
if ('reason' in gpu) throw new Error(gpu.reason);
const rows: string[] = [];
for (const fn of MEASURED) {
  const { units, wrong } = await measure(gpu.backend, fn, COUNT);
  if (wrong.length > 0) throw new Error(`${fn} is wrong of ${wrong[0]}`);
  rows.push(`| \`${fn}\` | ${units === 0 ? '0' : units.toFixed(2)} | ${MOST_UNITS[fn]} |`);
  process.stdout.write(`${rows.at(-1)}\n`);
}
await writeFile(
  new URL('../docs/gpu-math.md', import.meta.url),
  `<!-- Written by \`scripts/measure-gpu-math.ts\`. -->

# The gpu backend's scalar functions

WGSL promises little of its functions: \`sin\` to 2^-11 within ±π and nothing beyond, \`exp\` to 3 + 2|x| units, \`pow\` what \`exp2(y log2(x))\` gives, no NaN or infinity at all. \`engine/backends/gpu/functions.ts\` has functions of our own, in float32, from the four operations, roots, roundings and the bits of numbers. The largest errors found, in units in the last place of the exact result; 0 where every result was the exact one, rounded.

| | measured | the tests allow |
|---|---|---|
${rows.join('\n')}

**Measured** on ${gpu.device.name} (${gpu.device.driver}), ${COUNT.toLocaleString('en')} operands of each of several kinds a function: any bits, and everyday sizes, against the definition in float64. The tests allow more, since a device need not round quotients and roots rightly (2.5 units), and may fuse products with sums.

**NaN, infinities and the ends of the range** are as in the definition ([ADR 6](adr/0006-numbers.md)) for all of them. **Subnormal numbers**, in or out, may be zeros: devices differ, and so does the sign of such a zero. **Angles** of any size are reduced exactly, by as many bits of 2/π as it takes.

**Sums** of float32, which other backends hold in float64, are held in two words of float32 here: right to the last place for a million terms. Products of matrices are summed in float32.
`,
);
gpu.close();
