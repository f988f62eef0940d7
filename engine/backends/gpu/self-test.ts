/** @file The self-test: kernels whose numbers are known, run as any others. A device that gets them wrong is not used. */
import { type Expr, Exprs } from '../../compile/expr.ts';
import type { Plan, Step } from '../../compile/plan.ts';
import type { Var } from '../../program/program.ts';
import { sizeOf } from '../../types.ts';
import { type Backend, UNLIMITED } from '../backend.ts';

const X = [0, 0.5, -1, 3, 10, -20.25, 88.5, 1e-3] as const;
/** Of those numbers in float32, by the C library in float64. */
const EXPECTED = {
  exp: [
    1, 1.6487212707001282, 0.36787944117144233, 20.085536923187668, 22026.465794806718, 1.6052280551856116e-9,
    2.7230878250681117e38, 1.0010005002142532,
  ],
  sin: [
    0, 0.479425538604203, -0.8414709848078965, 0.1411200080598672, -0.5440211108893698, -0.9855251115651197,
    0.5101900080017631, 0.0009999998808307693,
  ],
  sum: [80.7510000000475],
} as const;
/** How wrong they may be: GLSL's functions are the driver's. */
const RELATIVE = 1e-4;

/** What is wrong with the numbers of a backend, if anything. */
export async function checkNumbers(backend: Backend): Promise<string | undefined> {
  const outputs = await backend.load(selfTest()).run([Float32Array.from(X)], UNLIMITED);
  for (const [i, [name, expected]] of Object.entries(EXPECTED).entries()) {
    const given = outputs[i] as Float32Array;
    const at = expected.findIndex(
      (value, at) => !(Math.abs((given[at] as number) - value) <= RELATIVE * Math.abs(value)),
    );
    if (at >= 0) return `element ${at} of ${name} is ${given[at]} and not ${expected[at]}`;
  }
  return undefined;
}

/** A kernel that computes two functions, and one that folds. */
function selfTest(): Plan {
  const e = new Exprs();
  const x = variable([X.length]);
  const [exps, sines, sum] = [variable([X.length]), variable([X.length]), variable([])] as const;
  const load = e.load(x, e.linear(X.length));
  const element = e.load(x, e.foldLinear(X.length));
  const [total] = e.fold({
    over: [X.length],
    identity: [e.const(0, 'float64')],
    element: [e.cast(element, 'float64')],
    combine: [e.add(e.acc(0, 'float64'), e.acc(1, 'float64'))],
    narrow: element,
  });
  const kernel = (outputs: readonly number[], ...stores: { target: Var; expr: Expr }[]): Step => ({
    kind: 'kernel',
    kernel: { space: stores[0]!.target.type.shape, stores, windows: [], flops: 0 },
    reads: [x],
    inPlace: new Set(),
    inputs: [0],
    outputs,
  });
  return {
    inputs: [x.type],
    buffers: [
      { type: x.type, place: { kind: 'input', index: 0 } },
      ...[exps, sines, sum].map(({ type }) => ({ type, place: { kind: 'output' } }) as const),
    ],
    steps: [
      kernel([1, 2], { target: exps, expr: e.exp(load) }, { target: sines, expr: e.apply('sin', [load]) }),
      kernel([3], { target: sum, expr: e.cast(total as Expr, 'float32') }),
    ],
    outputs: [1, 2, 3],
    arenaBytes: 0,
    cost: { flops: 0, bytes: 0, peakBytes: 4 * sizeOf([X.length]), heldBytes: 0, largest: undefined },
  };
}

function variable(shape: readonly number[]): Var {
  return { type: { dtype: 'float32', shape }, name: undefined };
}
