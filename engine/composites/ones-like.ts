import { filledLike } from './filled.ts';

/** A tensor of ones of the shape of another. */
export const onesLike = filledLike(1, {
  name: 'ones_like',
  doc: 'A tensor of the shape of `x`, and of its dtype unless `dtype` is given, whose every element is 1.',
  cases: [],
});
