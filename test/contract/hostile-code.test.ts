/** @file Generated code (T31): no name, text or param of a request reaches it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderKernel } from '../../engine/backends/portable.ts';
import { hostile, PLAIN, type Render, sourcesOf, strangeIn } from './hostile-graphs.ts';

const render: Render = (kernel, reads) => [renderKernel(kernel, reads)];

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

test('kernels are those of the same graph with other names, and hold nothing but our tokens', () => {
  fc.assert(
    fc.property(hostile, (request) => {
      const sources = sourcesOf(request, render);
      expect(sources).toEqual(sourcesOf({ ...request, names: PLAIN }, render));
      expect(sources.length).toBeGreaterThan(2);
      for (const source of sources) expect(strangeIn(source, TOKEN)).toEqual([]);
    }),
    { numRuns: 100, seed: 3 },
  );
});

test('the grammar tells what is strange', () => {
  expect(strangeIn('const t0 = a1[i0] * 2.5e-7;', TOKEN)).toEqual([]);
  expect(strangeIn('y"`$', TOKEN)).toEqual(['y', '"', '`', '$']);
  expect(strangeIn('eval(t0)', TOKEN)).toEqual(['e', 'v', 'a']);
});
