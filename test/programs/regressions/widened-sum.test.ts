/** A float64 sum of what had been float32 was begun in float32 by native code: such a sum is widened to be more exact. */
import { expect, test } from 'vitest';
import { BACKENDS, dataOf, evaluate } from '../../laws/run.ts';
import { graphProgram } from '../graphs.ts';

// With the first element 1, each of the others is lost in float32, and none in float64.
const x = new Float32Array(200).fill(2 ** -40);
x[0] = 1;
const ones = new Float32Array(200).fill(1);

for (const backend of BACKENDS)
  test.each(['y = sum(cast(x, dtype="float64"))', 'y = cast(x, dtype="float64") @ cast(w, dtype="float64")'])(
    `%s, ${backend.name}`,
    (graph) => {
      const program = graphProgram(graph, { x: 'f32[200]', w: 'f32[200]' });
      expect(dataOf(evaluate(program, [x, ones], backend))).toEqual([Float64Array.of(1 + 199 * 2 ** -40)]);
    },
  );
