import { argExtremum } from './arg-extremum.ts';
import { lowest } from './extremum.ts';

/** The position of the largest element. */
export const argmax = argExtremum({
  name: 'argmax',
  aliases: ['arg_max'],
  doc: 'The position (int64) of the largest element along `axis`, or in row-major order of all elements if there is none: the first of several, and a NaN if there is one.',
  worst: lowest,
  beats: (e, x, y) => e.lt(y, x),
  cases: [],
});
