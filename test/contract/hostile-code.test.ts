/** @file Generated code (T31): no name, text or param of a request reaches it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderKernel } from '../../engine/backends/portable.ts';
import type { Plan } from '../../engine/compile/plan.ts';
import { createEngine } from '../../engine/engine.ts';
import { build } from '../../engine/program/build.ts';
import { Value } from '../../engine/program/value.ts';
import { prepare } from '../../services/api/compute.ts';
import { choice, node } from '../tape/harness.ts';

/** Sources of all kernels of a plan, those of its loops and branches included. */
function kernelsOf({ steps }: Plan): string[] {
  return steps.flatMap((step) => {
    if (step.kind === 'kernel') return [renderKernel(step.kernel, step.reads)];
    if (step.kind === 'branch') return step.plans.flatMap(kernelsOf);
    return step.kind === 'loop' ? kernelsOf(step.body) : [];
  });
}

interface Hostile {
  readonly names: readonly string[];
  readonly number: number;
  readonly axis: number;
  readonly op: string;
}

/** The kernels of a gradient through most of what renders code, with these names and numbers in it. */
function sourcesOf({ names, number, axis, op }: Hostile): string[] {
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
  return kernelsOf(executable.plan);
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

const hostile: fc.Arbitrary<Hostile> = fc.record({
  names: fc.uniqueArray(
    name.filter((text) => !['v', 't', 'n', 'positive', 'greater', 'branch'].includes(text)),
    { minLength: 7, maxLength: 7 },
  ),
  number: fc.double({ noNaN: true, noDefaultInfinity: true }),
  axis: fc.constantFrom(0, 1, -1, -2),
  op: fc.constantFrom('sin', 'exp', 'tanh', 'sigmoid', 'softplus', 'abs', 'erf', 'log1p', 'floor'),
});

/** The least that kernels are made of: keywords, functions of the table, names with a number, numbers, operators. */
const TOKEN = new RegExp(
  [
    '\\s+',
    '(?:const|let|for|if|else|inputs|outputs|NaN|Infinity)\\b',
    '(?:Math\\.[a-z]+[0-9]*[a-z]*|BigInt(?:\\.asIntN)?|Number|fround|erf|floorDivide|floorRemainder|power|powInt32|powInt64|roundHalfEven|toInt32|toInt64)\\b',
    '[a-z]\\d+(?:_\\d+)?\\b',
    '[lk]\\b',
    '\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?n?\\b',
    '=>|\\+\\+|[-+*/%<>=!&|?:;,()[\\]{}]',
  ].join('|'),
  'y',
);

/** What of a source is no token of ours. */
function strangeIn(source: string): string[] {
  const strange: string[] = [];
  for (let at = 0; at < source.length; ) {
    TOKEN.lastIndex = at;
    const [token] = TOKEN.exec(source) ?? [];
    if (token === undefined) strange.push(source[at] as string);
    at += token?.length ?? 1;
  }
  return strange;
}

test('kernels are those of the same graph with other names, and hold nothing but our tokens', () => {
  fc.assert(
    fc.property(hostile, (request) => {
      const sources = sourcesOf(request);
      expect(sources).toEqual(sourcesOf({ ...request, names: ['A', 'B', 'C', 'D', 'E', 'F', 'G'] }));
      expect(sources.length).toBeGreaterThan(2);
      for (const source of sources) expect(strangeIn(source)).toEqual([]);
    }),
    { numRuns: 100, seed: 3 },
  );
});

test('the grammar tells what is strange', () => {
  expect(strangeIn('const t0 = a1[i0] * 2.5e-7;')).toEqual([]);
  expect(strangeIn('y"`$')).toEqual(['y', '"', '`', '$']);
  expect(strangeIn('eval(t0)')).toEqual(['e', 'v', 'a']);
});
