/** A float between -1 and 0 once became the integer -0 on its way to float, when nothing stored it between. */
import { expect, test } from 'vitest';
import { programOf } from '../../laws/control.ts';
import { BACKENDS, evaluate } from '../../laws/run.ts';

const program = programOf({
  inputs: { x: 'f64[5]' },
  nodes: [
    { name: 'n', op: 'cast', inputs: ['x'], params: { dtype: 'int32' } },
    { name: 'y', op: 'cast', inputs: ['n'], params: { dtype: 'float64' } },
  ],
});

for (const backend of BACKENDS)
  test(`integers have one zero, ${backend.name}`, () => {
    const [y] = evaluate(program, [Float64Array.of(-0.5, -0, Number.NaN, -1e10, 1e10)], backend);
    expect([...((y?.data ?? []) as Float64Array)]).toEqual([0, 0, 0, -2147483648, 2147483647]);
  });
