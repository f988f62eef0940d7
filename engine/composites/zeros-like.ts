import { filledLike } from './filled.ts';

/** A tensor of zeros of the shape of another. */
export const zerosLike = filledLike(0, {
  name: 'zeros_like',
  doc: 'A tensor of the shape of `x`, and of its dtype unless `dtype` is given, whose every element is 0.',
  cases: [
    { inputs: [{ type: 'f32[2]', data: [1, NaN] }], outputs: [{ type: 'f32[2]', data: [0, 0] }], source: 'numpy' },
    {
      inputs: [{ type: 'i32[2]', data: [1, 2] }],
      params: { dtype: 'float64' },
      outputs: [{ type: 'f64[2]', data: [0, 0] }],
      source: 'numpy',
    },
  ],
});
