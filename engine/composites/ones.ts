import { filled } from './filled.ts';

/** A tensor of ones. */
export const ones = filled(1, {
  name: 'ones',
  doc: 'A tensor of `shape` whose every element is 1.',
  cases: [
    { inputs: [], params: { shape: [2, 2] }, outputs: [{ type: 'f32[2,2]', data: [1, 1, 1, 1] }], source: 'numpy' },
    { inputs: [], params: { shape: 2, dtype: 'int64' }, outputs: [{ type: 'i64[2]', data: [1, 1] }], source: 'numpy' },
  ],
});
