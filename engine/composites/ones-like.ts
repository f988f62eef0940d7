import { filledLike } from './filled.ts';

/** A tensor of ones of the shape of another. */
export const onesLike = filledLike(1, {
  name: 'ones_like',
  doc: 'A tensor of the shape of `x`, and of its dtype unless `dtype` is given, whose every element is 1.',
  cases: [
    { inputs: [{ type: 'f32[2]', data: [1, NaN] }], outputs: [{ type: 'f32[2]', data: [1, 1] }], source: 'numpy' },
    {
      inputs: [{ type: 'i32[2]', data: [1, 2] }],
      params: { dtype: 'bool' },
      outputs: [{ type: 'bool[2]', data: [true, true] }],
      source: 'numpy',
    },
  ],
});
