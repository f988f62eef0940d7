import { argExtremum } from './arg-extremum.ts';
import { highest } from './extremum.ts';

/** The position of the smallest element. */
export const argmin = argExtremum({
  name: 'argmin',
  aliases: ['arg_min'],
  doc: 'The position (int64) of the smallest element along `axis`, or in row-major order of all elements if there is none: the first of several, and a NaN if there is one.',
  worst: highest,
  beats: (e, x, y) => e.lt(x, y),
  cases: [],
});
