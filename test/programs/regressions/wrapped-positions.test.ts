/** Native code decided a comparison for a range of positions without the wrapping around of what it computed of them. */
import { expect, test } from 'vitest';
import { BACKENDS, dataOf, evaluate } from '../../laws/run.ts';
import { graphProgram } from '../graphs.ts';

const program = graphProgram('y = where(arange(6, dtype="int32") * 2000000000 < 100, x, -x)', { x: 'f64[6]' });

for (const backend of BACKENDS)
  test(`positions times a large number, ${backend.name}`, () => {
    // 2 · 2e9 and 4 · 2e9 are negative in 32 bits.
    const outputs = evaluate(program, [new Float64Array(6).fill(1)], backend);
    expect(dataOf(outputs)).toEqual([Float64Array.of(1, -1, 1, -1, 1, -1)]);
  });
