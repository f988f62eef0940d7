import { filled } from './filled.ts';

/** A tensor of zeros. */
export const zeros = filled(0, {
  name: 'zeros',
  doc: 'A tensor of `shape` whose every element is 0.',
  cases: [],
});
