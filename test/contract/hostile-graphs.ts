/** @file Hostile graphs for the tests of generated code (T31). */
import fc from 'fast-check';
import type { Kernel, Plan } from '../../engine/compile/plan.ts';
import { createEngine } from '../../engine/engine.ts';
import { build } from '../../engine/program/build.ts';
import type { Var } from '../../engine/program/program.ts';
import { Value } from '../../engine/program/value.ts';
import { prepare } from '../../services/api/compute.ts';
import { choice, node } from '../tape/harness.ts';

/** Names that a request as harmless as any has. */
export const PLAIN: readonly string[] = ['A', 'B', 'C', 'D', 'E', 'F', 'G'];

/** The texts that a backend makes of a kernel. */
export type Render = (kernel: Kernel, reads: readonly Var[]) => string[];

/** Sources of all kernels of a plan, those of its loops and branches included. */
function kernelsOf({ steps }: Plan, render: Render): string[] {
  return steps.flatMap((step) => {
    if (step.kind === 'kernel') return render(step.kernel, step.reads);
    if (step.kind === 'branch') return step.plans.flatMap((plan) => kernelsOf(plan, render));
    return step.kind === 'loop' ? kernelsOf(step.body, render) : [];
  });
}

/** What a hostile request brings. */
export interface Hostile {
  readonly names: readonly string[];
  readonly number: number;
  readonly axis: number;
  readonly op: string;
}

/** The kernels of a gradient through most of what renders code, with these names and numbers in it. */
export function sourcesOf({ names, number, axis, op }: Hostile, render: Render): string[] {
  const [x, a, b, c, d, e, f] = names as [string, string, string, string, string, string, string];
  const graph = {
    inputs: { [x]: {} },
    constants: { [d]: { shape: [2, 3], data: [1, 2, 3, 4, 5, number] } },
    nodes: [
      node(a, op, [x]),
      node(b, 'mul', [a, number]),
      node(c, 'softmax', [b], { axis }),
      node(e, 'mul', [c, d]),
      node('positive', 'all', ['greater']),
      choice('branch', ['positive'], { outputs: [e] }, { nodes: [node('n', 'neg', [e])], outputs: ['n'] }),
      node(f, 'scan', ['branch'], {
        carry: 1,
        length: 2,
        body: { inputs: ['v'], nodes: [node('t', 'tanh', ['v'])], outputs: ['t'] },
      }),
    ],
  };
  graph.nodes.splice(4, 0, node('greater', 'gt', [e, 0]));
  const engine = createEngine();
  const values = new Map([[x, new Value(undefined, [2, 3], Float64Array.of(1, 2, 3, 4, 5, 6))]]);
  const checked = build(engine.readGraph(graph), values, engine.limits);
  const { executable } = prepare(checked, [f], [{ kind: 'gradient', sources: [x] }], engine);
  return kernelsOf(executable.plan, render);
}

const FIRST = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_'];
const WORDS = [
  'constructor',
  'eval',
  'process',
  'require',
  'import',
  'return',
  'toString',
  'arguments',
  'this',
  'Math',
  'NaN',
  'undefined',
  'a0',
  't1',
  'inputs',
  'Function',
];

const name = fc.oneof(
  fc.constantFrom(...WORDS),
  fc
    .tuple(fc.constantFrom(...FIRST), fc.array(fc.constantFrom(...FIRST, ...'0123456789.:/-'), { maxLength: 40 }))
    .map(([first, rest]) => first + rest.join('')),
);

/** Hostile requests. */
export const hostile: fc.Arbitrary<Hostile> = fc.record({
  names: fc.uniqueArray(
    name.filter((text) => !['v', 't', 'n', 'positive', 'greater', 'branch'].includes(text)),
    { minLength: 7, maxLength: 7 },
  ),
  number: fc.double({ noNaN: true, noDefaultInfinity: true }),
  axis: fc.constantFrom(0, 1, -1, -2),
  op: fc.constantFrom('sin', 'exp', 'tanh', 'sigmoid', 'softplus', 'abs', 'erf', 'log1p', 'floor'),
});

/** What of a source is none of the tokens that a sticky expression matches. */
export function strangeIn(source: string, tokens: RegExp): string[] {
  const strange: string[] = [];
  for (let at = 0; at < source.length; ) {
    tokens.lastIndex = at;
    const [token] = tokens.exec(source) ?? [];
    if (token === undefined) strange.push(source[at] as string);
    at += token?.length ?? 1;
  }
  return strange;
}
