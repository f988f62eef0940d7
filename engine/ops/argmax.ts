import { argExtremum } from './arg-extremum.ts';
import { lowest } from './extremum.ts';

/** The position of the largest element. */
export const argmax = argExtremum({
  name: 'argmax',
  aliases: ['arg_max'],
  doc: 'The position (int64) of the largest element along `axis`, or in row-major order of all elements if there is none: the first of several, and a NaN if there is one.',
  worst: lowest,
  beats: (e, x, y) => e.lt(y, x),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      params: { axis: 1 },
      outputs: [{ type: 'i64[2]', data: [2, 2] }],
      source: 'numpy',
    },
    { inputs: [{ type: 'f32[4]', data: [1, 3, 3, 2] }], outputs: [{ type: 'i64', data: [1] }], source: 'numpy' },
    {
      inputs: [{ type: 'f64[4]', data: [1, NaN, Infinity, NaN] }],
      params: { axis: 0, keepdims: true },
      outputs: [{ type: 'i64[1]', data: [1] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      outputs: [{ type: 'i64', data: [5] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'f32[2]', data: [-Infinity, -Infinity] }],
      params: { axis: -1 },
      outputs: [{ type: 'i64', data: [0] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i64[3]', data: [-1099511627776, 5, 5] }],
      params: { axis: 0 },
      outputs: [{ type: 'i64', data: [1] }],
      source: 'numpy',
    },
  ],
});
