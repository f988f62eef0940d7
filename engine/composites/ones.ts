import { filled } from './filled.ts';

/** A tensor of ones. */
export const ones = filled(1, {
  name: 'ones',
  doc: 'A tensor of `shape` whose every element is 1.',
  cases: [],
});
