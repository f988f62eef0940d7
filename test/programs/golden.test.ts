/**
 * What derivatives of well-known programs look like, kept as text: the program, its gradient simplified, the JavaScript
 * of its kernels, and for those where it is short the LLVM IR of the native backend. A change here is to be read;
 * `UPDATE_GOLDEN=1` accepts it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { partition } from '../../engine/backends/native/partition.ts';
import { renderPlan } from '../../engine/backends/native/plan.ts';
import type { Target } from '../../engine/backends/native/target.ts';
import { renderKernel } from '../../engine/backends/portable.ts';
import { lay, type Plan, plan } from '../../engine/compile/plan.ts';
import { print } from '../../engine/program/print.ts';
import type { Program } from '../../engine/program/program.ts';
import { verify } from '../../engine/program/verify.ts';
import { simplify } from '../../engine/transform/simplify.ts';
import { openJit } from '../backends/jit-shim-routines.ts';
import { controlProgram } from '../laws/control.ts';
import { derivative, graphProgram } from './graphs.ts';

const FOLDER = new URL('golden/', import.meta.url);

/** Text graphs with the types of their inputs; the gradient is taken with respect to all floats, `order` times. */
const GRAPHS: Readonly<Record<string, { graph: string; inputs: Readonly<Record<string, string>>; order?: number }>> = {
  'matrix-loss': {
    graph: 'loss = mean((x @ w + b) ** 2)',
    inputs: { x: 'f32[1,3]', w: 'f32[3,2]', b: 'f32[2]' },
  },
  'softmax-cross-entropy': {
    graph: 'loss = mean(softmax_cross_entropy_with_logits(labels, logits))',
    inputs: { labels: 'f32[4,3]', logits: 'f32[4,3]' },
  },
  'layer-norm': {
    graph: 'y = sum(layer_norm(x) * g + b)',
    inputs: { x: 'f32[4,8]', g: 'f32[8]', b: 'f32[8]' },
  },
  'black-scholes': {
    graph: [
      'd1 = (log(s / k) + (r + 0.5 * v * v) * t) / (v * sqrt(t))',
      'd2 = d1 - v * sqrt(t)',
      'call = s * (0.5 + 0.5 * erf(d1 / 1.4142135623730951)) - k * exp(-r * t) * (0.5 + 0.5 * erf(d2 / 1.4142135623730951))',
      'total = sum(call)',
    ].join('\n'),
    inputs: { s: 'f64[1000]', k: 'f64[1000]', r: 'f64[1000]', v: 'f64[1000]', t: 'f64[1000]' },
  },
  'two-layers': {
    graph: 'h = tanh(x @ w1 + b1)\ny = h @ w2 + b2\nloss = mean((y - target) ** 2)',
    inputs: { x: 'f32[8,5]', w1: 'f32[5,6]', b1: 'f32[6]', w2: 'f32[6,2]', b2: 'f32[2]', target: 'f32[8,2]' },
  },
  attention: {
    graph: 'weights = softmax(q @ transpose(k) / 2)\ny = sum((weights @ v) ** 2)',
    inputs: { q: 'f32[3,4]', k: 'f32[5,4]', v: 'f32[5,2]' },
  },
  embedding: {
    graph: 'rows = take(table, ids, 0)\nloss = sum(rows * rows)',
    inputs: { table: 'f32[10,4]', ids: 'i32[3]' },
  },
  'log-sum-exp': { graph: 'y = sum(logsumexp(x, 1))', inputs: { x: 'f64[3,4]' } },
  'largest-elements': { graph: 'y = sum(max(x, 1) * w)', inputs: { x: 'f32[3,4]', w: 'f32[3]' } },
  'cube-twice': { graph: 'y = sum(x ** 3)', inputs: { x: 'f64[4]' }, order: 2 },
  'gelu-gate': { graph: 'y = sum(gelu(x) * sigmoid(z))', inputs: { x: 'f32[16]', z: 'f32[16]' } },
  'broadcast-and-slice': { graph: 'y = sum(x[:, 1:3] * r + c)', inputs: { x: 'f32[2,4]', r: 'f32[2]', c: 'f32[2,1]' } },
};

/** Programs with sub-programs, of control.ts. */
const CONTROL = { 'recurrent-loop': 'recurrent loop', branch: 'branch taken' } as const;

const PROGRAMS: readonly (readonly [string, Program, number])[] = [
  ...Object.entries(GRAPHS).map(
    ([name, { graph, inputs, order = 1 }]) => [name, graphProgram(graph, inputs), order] as const,
  ),
  ...Object.entries(CONTROL).map(([name, document]) => [name, controlProgram(document), 1] as const),
];

for (const [name, program, order] of PROGRAMS)
  test(name, () => {
    verify(program);
    const derived = simplify(derivative(program, order));
    verify(derived);
    const kernels = kernelsOf(lay(derived)).join('\n\n');
    expectGolden(`${name}.txt`, `${print(program)}\n\n${print(derived)}\n`);
    expectGolden(`${name}.js`, `${kernels}\n`);
  });

/** Processors that differ in all that shows in the text. */
const WIDE: Target = {
  vectorBits: 512,
  registers: 32,
  fma: true,
  masks: true,
  blas: false,
  threads: true,
  clock: 1,
  caches: [48 * 1024, 1024 * 1024],
};
const NARROW: Target = { ...WIDE, vectorBits: 128, registers: 16, fma: false, masks: false };

/** IR that is short enough to be read: of which program, for which processor. */
const NATIVE: Readonly<Record<string, readonly [program: string, of: 'values' | 'gradient', target: Target]>> = {
  branch: ['branch', 'values', WIDE],
  'broadcast-and-slice': ['broadcast-and-slice', 'gradient', WIDE],
  'cube-twice': ['cube-twice', 'gradient', WIDE],
  embedding: ['embedding', 'gradient', WIDE],
  'gelu-gate': ['gelu-gate', 'values', WIDE],
  'gelu-gate-128': ['gelu-gate', 'values', NARROW],
  'largest-elements': ['largest-elements', 'gradient', WIDE],
  'largest-elements-128': ['largest-elements', 'values', NARROW],
  'layer-norm': ['layer-norm', 'values', WIDE],
  'matrix-loss': ['matrix-loss', 'gradient', WIDE],
  'recurrent-loop': ['recurrent-loop', 'values', WIDE],
};

test.each(Object.entries(NATIVE))('native code of %s', (file, [name, of, target]) => {
  const [, program, order] = PROGRAMS.find(([each]) => each === name)!;
  const ir = irOf(of === 'values' ? program : derivative(program, order), target);
  // The same in every lane, once.
  expectGolden(`${file}.ll`, ir.replace(/<((?:float|double|i\d+) [\w.-]+)(?:, \1)+>/g, 'splat ($1)'));
});

const jit = openJit();

test.skipIf(!jit)('LLVM finds nothing wrong with native code of any (needs libLLVM)', () => {
  for (const [name, program, order] of PROGRAMS)
    for (const target of [WIDE, NARROW, { ...WIDE, vectorBits: 256, masks: false }])
      for (const each of [program, derivative(program, order)])
        for (const part of partition(irOf(each, target), 3, 'part.'))
          expect(jit!.verify(part), `${name}, ${target.vectorBits} bits`).toBe('');
  expect(jit!.verify('define i32 @f() {\n  %x = add i32 %y, 1\n  %y = add i32 1, 1\n  ret i32 %x\n}')).toContain(
    'dominate',
  );
});

function irOf(program: Program, target: Target): string {
  return renderPlan(plan(program, { hasBands: true }), target).ir;
}

test('every golden file belongs to a program', () => {
  const wanted = [
    ...PROGRAMS.flatMap(([name]) => [`${name}.js`, `${name}.txt`]),
    ...Object.keys(NATIVE).map((name) => `${name}.ll`),
  ];
  expect(readdirSync(FOLDER).sort()).toEqual(wanted.sort());
});

/** The JavaScript of every kernel, those of sub-plans too. */
function kernelsOf(plan: Plan): string[] {
  return plan.steps.flatMap((step) => {
    switch (step.kind) {
      case 'kernel':
        return [renderKernel(step.kernel, step.reads)];
      case 'routine':
        return [`// ${step.routine.name} ${JSON.stringify(step.routine.sizes)}`];
      case 'band':
        return step.steps.map(({ kernel, reads }) => renderKernel(kernel, reads));
      case 'branch':
        return step.plans.flatMap(kernelsOf);
      case 'loop':
        return kernelsOf(step.body);
      default:
        return step satisfies never;
    }
  });
}

function expectGolden(file: string, text: string): void {
  const path = new URL(file, FOLDER);
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(path, text);
  }
  expect(existsSync(path), `${file} is missing: run with UPDATE_GOLDEN=1`).toBe(true);
  expect(text).toBe(readFileSync(path, 'utf8'));
}
