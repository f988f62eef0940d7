/** The laws, on every sample of every row of the catalogue and on the programs with sub-programs. */
import { describe, expect, test } from 'vitest';
import { type Program, subprograms } from '../../engine/program/program.ts';
import { subjectsOfControl } from './control.ts';
import { randomOf } from './draw.ts';
import { derivativeOf, LAWS } from './laws.ts';
import { ENTRIES, ROWS, subjectsOfTable, WITHOUT_CASES, WITHOUT_SAMPLES } from './table.ts';

const CONTROL = subjectsOfControl();
const SUBJECTS = [...CONTROL, ...subjectsOfTable()];

for (const [name, law] of Object.entries(LAWS)) {
  describe(name, () => {
    for (const subject of SUBJECTS) test(subject.name, () => law(subject, randomOf(name + subject.name)));
  });
}

describe('nothing is left out', () => {
  test('every row has samples, or a reason', () => {
    const without = ENTRIES.filter(({ samples }) => samples.length === 0).map(({ name }) => name);
    expect(without.sort()).toEqual(Object.keys(WITHOUT_SAMPLES).sort());
  });

  test('every row has worked cases, or a reason', () => {
    const without = ENTRIES.filter(({ cases }) => cases.length === 0).map(({ name }) => name);
    expect(without.sort()).toEqual(Object.keys(WITHOUT_CASES).sort());
  });

  test('every primitive without samples occurs in a program with sub-programs, or in its derivative', () => {
    const used = new Set(CONTROL.flatMap(({ program }) => [...opsOf(program), ...opsOf(derivativeOf(program))]));
    const missing = ROWS.filter(({ name }) => name in WITHOUT_SAMPLES && !used.has(name));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });
});

function opsOf(program: Program): string[] {
  return program.eqns.flatMap(({ op, params }) => [op.name, ...subprograms(params).flatMap(opsOf)]);
}
