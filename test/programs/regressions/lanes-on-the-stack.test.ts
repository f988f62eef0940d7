/** A remainder without fused multiplication took fresh stack for every vector, and large tensors ended the process. */
import { expect, test } from 'vitest';
import { openNative } from '../../../engine/backends/native/native.ts';
import { dataOf, evaluate } from '../../laws/run.ts';
import { graphProgram } from '../graphs.ts';

const native = openNative({ threads: 1, target: { fma: false, vectorBits: 128, masks: false } });

test.skipIf(!native)('remainders of a million elements (needs libLLVM)', () => {
  const program = graphProgram('y = remainder(x, z)', { x: 'f32[2000000]', z: 'f32[2000000]' });
  const [x, z] = [7.5, -2].map((value) => new Float32Array(2_000_000).fill(value)) as [Float32Array, Float32Array];
  expect(dataOf(evaluate(program, [x, z], native))).toEqual([x.map(() => -0.5)]);
});
