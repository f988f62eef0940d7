import { filledLike } from './filled.ts';

/** A tensor of zeros of the shape of another. */
export const zerosLike = filledLike(0, {
  name: 'zeros_like',
  doc: 'A tensor of the shape of `x`, and of its dtype unless `dtype` is given, whose every element is 0.',
  cases: [],
});
