/**
 * Type rules and documents at random: what fits runs, in every derived form, and what does not is refused in the words
 * of `TypeMismatch`, `ParamMismatch` and `EngineError`, never by an accident.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { EngineError } from '../../engine/errors.ts';
import { type OpRules, ParamMismatch, type Sample, TypeMismatch } from '../../engine/ops/op.ts';
import { Builder } from '../../engine/program/builder.ts';
import { type Params, type Program, subprograms } from '../../engine/program/program.ts';
import { DTYPES, formatType, type Shape, sizeOf, type TensorType } from '../../engine/types.ts';
import { FITTING, subjectsOfControl } from './control.ts';
import { randomFrom } from './draw.ts';
import { ACCEPTANCE_LAWS, derivativeOf, insideDomain, isRunnable } from './laws.ts';
import { valuesOf } from './params.ts';
import { RUNS } from './runs.ts';
import { ENTRIES, type Entry, IN_PROGRAMS_ONLY, node, ROWS, typeOf } from './table.ts';

/** Beyond this, what is accepted is typed and not run. */
const MAX_ELEMENTS = 600;

const dtype = fc.constantFrom(...DTYPES);
const shape: fc.Arbitrary<Shape> = fc.array(fc.constantFrom(2, 3, 1, 2, 3, 0), { maxLength: 4 });

/** What a row is given: the types of its inputs, and params. */
interface Given {
  readonly types: readonly TensorType[];
  readonly params: Sample['params'];
}

/** Types that often agree with one another: most ops want that. */
function typesFor(entry: Entry): fc.Arbitrary<readonly TensorType[]> {
  const count = entry.variadic ? fc.integer({ min: entry.minimum ?? 1, max: 4 }) : fc.constant(entry.operands.length);
  const other: fc.Arbitrary<(first: TensorType) => TensorType> = fc.oneof(
    { weight: 6, arbitrary: fc.constant((first: TensorType) => first) },
    { weight: 2, arbitrary: dtype.map((own) => (first: TensorType) => ({ dtype: own, shape: first.shape })) },
    { weight: 2, arbitrary: shape.map((own) => (first: TensorType) => ({ dtype: first.dtype, shape: own })) },
    {
      weight: 2,
      arbitrary: shape.map((own) => (first: TensorType) => ({
        dtype: first.dtype,
        shape: [...own, ...first.shape].slice(0, 4),
      })),
    },
    { weight: 2, arbitrary: fc.record({ dtype, shape }).map((own) => () => own) },
  );
  return fc
    .tuple(
      fc.record({ dtype, shape }),
      count.chain((n) => fc.array(other, { minLength: n, maxLength: n })),
    )
    .map(([first, make]) => make.map((of, i) => (i === 0 ? first : of(first))));
}

/** Anything; what is known to fit; and that with one type or one param another. */
function givenFor(entry: Entry, schema: z.ZodType, known: readonly Given[]): fc.Arbitrary<Given> {
  const params = valuesOf(schema) as fc.Arbitrary<NonNullable<Sample['params']>>;
  const random = fc.record({ types: typesFor(entry), params });
  if (known.length === 0) return random;
  const fitting = fc.constantFrom(...known);
  const off = fc
    .record({ from: fitting, at: fc.nat(3), type: fc.record({ dtype, shape }), isType: fc.boolean(), params })
    .map(({ from, at, type, isType, params: others }) => {
      if (isType) return { types: from.types.map((own, i) => (i === at ? type : own)), params: from.params };
      const name = Object.keys(others)[at];
      return { types: from.types, params: name === undefined ? others : { ...from.params, [name]: others[name] } };
    });
  return fc.oneof({ weight: 3, arbitrary: random }, { weight: 1, arbitrary: fitting }, { weight: 2, arbitrary: off });
}

function fromSamples(samples: readonly Sample[]): Given[] {
  return samples.map(({ types, params }) => ({ types: types.map(typeOf), params: params ?? {} }));
}

/** The equations of an op in the programs with sub-programs. */
function fromControl(op: OpRules): Given[] {
  const inside = (program: Program): Given[] =>
    program.eqns.flatMap(({ op: own, inputs, params }) => [
      ...(own === op ? [{ types: inputs.map(({ type }) => type), params }] : []),
      ...subprograms(params).flatMap(inside),
    ]);
  return subjectsOfControl().flatMap(({ program }) => [...inside(program), ...inside(derivativeOf(program))]);
}

describe('type rules refuse in words, and what they accept runs', () => {
  for (const op of ROWS)
    test(op.name, () => {
      const known = op.samples.length > 0 ? fromSamples(op.samples) : fromControl(op);
      // What exists to be transposed away is typed, and never run by itself.
      const runs = op.lower.kind !== 'none' || op.simplify !== undefined;
      let fitting = 0;
      fc.assert(
        fc.property(givenFor(op, op.params, known), fc.nat(), ({ types, params }, seed) => {
          const program = accepted(op, types, params as Params);
          if (program) fitting++;
          if (program && runs) expectLawful(program, seed);
        }),
        { numRuns: RUNS.perRow },
      );
      expect(fitting, 'programs that fitted').toBeGreaterThan(0);
    });
});

function accepted(op: OpRules, types: readonly TensorType[], params: Params): Program | undefined {
  try {
    op.type(types, params);
  } catch (reason) {
    if (reason instanceof TypeMismatch) {
      expect(reason.input).toBeLessThan(Math.max(types.length, 1));
      return undefined;
    }
    if (reason instanceof ParamMismatch) return undefined;
    throw reason;
  }
  const b = new Builder();
  return b.build(
    b.emit(
      op,
      types.map((type) => b.input(type)),
      params,
    ),
  );
}

describe('documents are refused in words, and what is accepted runs', () => {
  for (const entry of ENTRIES.filter(({ name }) => !IN_PROGRAMS_ONLY.includes(name)))
    test(entry.name, () => {
      const surface = 'build' in entry ? entry : entry.surface;
      const known = [
        ...fromSamples('build' in entry ? entry.samples : []),
        ...fromSamples(entry.name in FITTING ? [FITTING[entry.name] as Sample] : []),
        ...fromSamples(
          entry.cases.map(({ inputs, params = {} }) => ({ types: inputs.map(({ type }) => type), params })),
        ),
      ];
      let fitting = 0;
      fc.assert(
        fc.property(givenFor(entry, surface?.params ?? entry.params, known), fc.nat(), ({ types, params }, seed) => {
          const program = checked(entry, types, params);
          if (program) fitting++;
          if (program) expectLawful(program, seed);
        }),
        { numRuns: RUNS.perRow },
      );
      expect(fitting, 'documents that fitted').toBeGreaterThan(0);
    });
});

function checked(entry: Entry, types: readonly TensorType[], params: Sample['params']): Program | undefined {
  try {
    return node(entry, types, params);
  } catch (reason) {
    if (reason instanceof EngineError && reason.code !== 'internal') return undefined;
    throw reason;
  }
}

/** A program that was accepted obeys the laws that need no smooth domain. */
function expectLawful(program: Program, seed: number): void {
  const variables = [...program.inputs, ...program.eqns.flatMap(({ outputs }) => outputs)];
  for (const { type } of variables) {
    if (!type.shape.every((size) => Number.isSafeInteger(size) && size >= 0))
      throw new Error(`${formatType(type)} is no type`);
    if (sizeOf(type.shape) > MAX_ELEMENTS) return;
  }
  if (!isRunnable(program)) return;
  const subject = { name: 'accepted', program, domains: [] };
  for (const law of ACCEPTANCE_LAWS) insideDomain(() => law(subject, randomFrom(seed)));
}

test('no document writes what programs alone may hold', () => {
  for (const name of IN_PROGRAMS_ONLY) {
    const entry = ENTRIES.find((candidate) => candidate.name === name) as Entry;
    expect(() => node(entry, [], {})).toThrow(`there is no op '${name}'`);
  }
  expect(IN_PROGRAMS_ONLY.length).toBeGreaterThan(0);
});
