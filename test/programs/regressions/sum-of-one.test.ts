/** Native code of a float32 sum over one element was refused by LLVM: what begins in float32 was added to in float64. */
import { expect, test } from 'vitest';
import { BACKENDS, dataOf, evaluate } from '../../laws/run.ts';
import { graphProgram } from '../graphs.ts';

const product = graphProgram('y = x @ z', { x: 'f32[3,1]', z: 'f32[1,2]' });

for (const backend of BACKENDS)
  test(`a matrix product over one element, ${backend.name}`, () => {
    const outputs = evaluate(product, [Float32Array.of(1, 2, 3), Float32Array.of(10, 100)], backend);
    expect(dataOf(outputs)).toEqual([Float32Array.of(10, 100, 20, 200, 30, 300)]);
  });
