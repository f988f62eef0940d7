import { filled } from './filled.ts';

/** A tensor of zeros. */
export const zeros = filled(0, {
  name: 'zeros',
  doc: 'A tensor of `shape` whose every element is 0.',
  cases: [
    { inputs: [], params: { shape: [2, 2] }, outputs: [{ type: 'f32[2,2]', data: [0, 0, 0, 0] }], source: 'numpy' },
    {
      inputs: [],
      params: { shape: 2, dtype: 'bool' },
      outputs: [{ type: 'bool[2]', data: [false, false] }],
      source: 'numpy',
    },
  ],
});
