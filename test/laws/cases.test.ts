/** Worked cases: the numbers of oracles outside this project, in each dtype that they fit, on each backend. */
import { describe, test } from 'vitest';
import type { Case } from '../../engine/ops/op.ts';
import type { DType, Tensor } from '../../engine/types.ts';
import { expectCase, inputsOf, otherDtypes, RELATIVE } from './cases.ts';
import { BACKENDS, DEFINITION, evaluate } from './run.ts';
import { ENTRIES, type Entry, WITHOUT_CASES } from './table.ts';

for (const entry of ENTRIES) {
  if (entry.name in WITHOUT_CASES) continue;
  describe(entry.name, () => {
    entry.cases.forEach((worked, i) => {
      for (const backend of BACKENDS) {
        const title = `case ${i} (${worked.inputs.map(({ type }) => type).join(', ')}) of ${worked.source}`;
        test(`${title}, ${backend.name}`, () => {
          expectCase(worked, outputsOf(entry, worked, undefined, backend), undefined, RELATIVE);
        });
        for (const dtype of otherDtypes(worked))
          test(`${title} in ${dtype}, ${backend.name}`, () => {
            expectCase(worked, outputsOf(entry, worked, dtype, backend), dtype, RELATIVE);
          });
      }
    });
  });
}

function outputsOf(entry: Entry, worked: Case, dtype: DType | undefined, backend = DEFINITION): Tensor[] {
  const { program, inputs } = inputsOf(entry, worked, dtype);
  return evaluate(program, inputs, backend);
}
