import { argExtremum } from './arg-extremum.ts';
import { highest } from './extremum.ts';

/** The position of the smallest element. */
export const argmin = argExtremum({
  name: 'argmin',
  aliases: ['arg_min'],
  doc: 'The position (int64) of the smallest element along `axis`, or in row-major order of all elements if there is none: the first of several, and a NaN if there is one.',
  worst: highest,
  beats: (e, x, y) => e.lt(x, y),
  cases: [
    {
      inputs: [{ type: 'f32[2,3]', data: [3, -1, 4, 1, -5, 9] }],
      params: { axis: 0 },
      outputs: [{ type: 'i64[3]', data: [1, 1, 0] }],
      source: 'numpy',
    },
    { inputs: [{ type: 'f32[4]', data: [2, 1, 1, 3] }], outputs: [{ type: 'i64', data: [1] }], source: 'numpy' },
    {
      inputs: [{ type: 'f64[4]', data: [1, NaN, -Infinity, NaN] }],
      params: { axis: 0 },
      outputs: [{ type: 'i64', data: [1] }],
      source: 'numpy',
    },
    {
      inputs: [{ type: 'i32[2]', data: [2147483647, 2147483647] }],
      params: { axis: 0 },
      outputs: [{ type: 'i64', data: [0] }],
      source: 'numpy',
    },
  ],
});
