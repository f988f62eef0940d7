/** @file Generated code for the gpu (T31): no name, text or param of a request reaches it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUNCTIONS } from '../../engine/backends/gpu/functions.ts';
import { GLSL, glslSources } from '../../engine/backends/gpu/glsl.ts';
import { renderKernel } from '../../engine/backends/gpu/kernel.ts';
import { deviceRoutine } from '../../engine/backends/gpu/routines.ts';
import { wgslOf } from '../../engine/backends/gpu/translate.ts';
import { hostile, PLAIN, type Render, sourcesOf, strangeIn } from './hostile-graphs.ts';

/** The text for gpu.js. */
const renderSource: Render = (kernel, reads) => renderKernel(kernel, reads).passes.map(({ source }) => source);

/** What the device gets, every buffer by itself. */
const renderModule: Render = (kernel, reads) =>
  renderKernel(kernel, reads).passes.map((pass) =>
    wgslOf(
      pass,
      pass.reads.map(() => ({ kind: 'own' })),
      pass.writes.map(() => ({ kind: 'own' })),
    ),
  );

/** The texts for headless GL. */
const renderGl: Render = (kernel, reads) => glslSources(renderKernel(kernel, reads, false));

const NUMBER = '\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?[uif]?\\b|0x[0-9a-f]+u?\\b';

/** The least that kernels are made of: keywords, functions of the table, names with a number, numbers, operators. */
const TOKEN = new RegExp(
  [
    '\\s+',
    '(?:function|const|let|for|if|this\\.thread\\.x)\\b',
    `(?:${[...Object.keys(FUNCTIONS), 'lane', 'sync'].join('|')})\\b`,
    '[aogqst]\\d+\\b',
    '[ceklpr]\\b',
    NUMBER,
    '===|\\+\\+|[-+*/<=;,(){}]',
  ].join('|'),
  'y',
);

/** The same with loads by brackets, results that are returned, and GLSL's names apart. */
const GL_TOKEN = new RegExp(
  [
    '\\s+',
    '(?:function|const|let|for|return|this\\.thread\\.x)\\b',
    `adj(?:${Object.keys(GLSL).join('|')})\\b`,
    '[aqt]\\d+\\b',
    '[klr]\\b',
    NUMBER,
    '\\+\\+|[-+*/<=;,(){}[\\]]',
  ].join('|'),
  'y',
);

/** The words of WGSL and of the modules around kernels. */
const WORDS =
  'group binding var storage read read_write array f32 i32 u32 bool vec2 vec3 workgroup private const fn return let if ' +
  'else for true false compute workgroup_size builtin workgroup_id num_workgroups local_invocation_index main groups ' +
  'local point threadGid own_lane infinity_bits nan_bits zero_bits bitcast select abs floor ceil round sqrt clamp i x y z ' +
  'reduced_tail reduced_quadrant TWO_OVER_PI workgroupBarrier';

const MODULE_TOKEN = new RegExp(
  [
    '\\s+',
    `fn_(?:${[...Object.keys(FUNCTIONS), 'lane', 'sync', '[aogs]\\d+'].join('|')})\\b`,
    `(?:${WORDS.replaceAll(' ', '|')})\\b`,
    // Names within the functions of the table.
    `(?:${namesWithin().join('|')})\\b`,
    '(?:user_[a-z]\\d*|[ao](?:\\d+|p)|shared\\d+)\\b',
    NUMBER,
    '[-+*/%<>=!&|^@.;:,()[\\]{}]',
  ].join('|'),
  'y',
);

function namesWithin(): string[] {
  const bodies = Object.values(FUNCTIONS).map(({ body }) => body);
  return [
    ...new Set(bodies.flatMap((body) => [...body.matchAll(/(?:let|var) (\w+)/g)].map(([, name]) => name as string))),
  ];
}

for (const { what, render, token } of [
  { what: 'sources', render: renderSource, token: TOKEN },
  { what: 'modules', render: renderModule, token: MODULE_TOKEN },
  { what: 'sources for GL', render: renderGl, token: GL_TOKEN },
])
  test(`${what} are those of the same graph with other names, and hold nothing but our tokens`, () => {
    fc.assert(
      fc.property(hostile, (request) => {
        const sources = sourcesOf(request, render);
        expect(sources).toEqual(sourcesOf({ ...request, names: PLAIN }, render));
        expect(sources.length).toBeGreaterThan(2);
        for (const source of sources) expect(strangeIn(source, token)).toEqual([]);
      }),
      { numRuns: 40, seed: 3 },
    );
  });

test('the grammars tell what is strange', () => {
  expect(strangeIn('const t0 = exp(a1(l)) * num(2.5e-7);', TOKEN)).toEqual([]);
  expect(strangeIn('y"`$', TOKEN)).toEqual(['y', '"', '`', '$']);
  expect(strangeIn('eval(t0)', TOKEN)).toEqual(['e', 'v', 'a']);
  expect(strangeIn('let q = fn_exp(user_t0);', MODULE_TOKEN)).not.toEqual([]);
  expect(strangeIn('struct', MODULE_TOKEN)).not.toEqual([]);
});

test('routines are made of their sizes alone', () => {
  const run = (): never => {
    throw new Error('not run here');
  };
  const sizes = { outer: 1, middle: 2, size: 3, inner: 4, picks: 5 };
  const routine = { name: 'scatter_add', sizes, flops: 0, run };
  expect(deviceRoutine(routine, ['float32', 'int32', 'float32'], { sharesTiles: true })?.wgsl).toContain('pick < 5');
  // Numbers and nothing else: what is no integer never gets into a text.
  for (const wrong of [NaN, 1.5, '1; }' as unknown as number])
    expect(() =>
      deviceRoutine({ ...routine, sizes: { ...sizes, picks: wrong } }, ['float32', 'int32', 'float32'], {
        sharesTiles: true,
      }),
    ).toThrow('no size');
});
