/** @file The subjects of the laws: one program per sample of every row of the catalogue, and the rows exempt with reasons. */
import { COMPOSITES } from '../../engine/composites/index.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { OPS } from '../../engine/ops/index.ts';
import type { OpRules, Sample } from '../../engine/ops/op.ts';
import { build } from '../../engine/program/build.ts';
import { Builder } from '../../engine/program/builder.ts';
import { readDocument } from '../../engine/program/document.ts';
import type { Params, Program, Var } from '../../engine/program/program.ts';
import { parseType, type TensorType } from '../../engine/types.ts';
import type { Domain } from './draw.ts';

/** What laws are checked of: a program and where its inputs come from. */
export interface Subject {
  readonly name: string;
  readonly program: Program;
  /** Where each input is drawn from; the default where it is not said. */
  readonly domains: readonly (Domain | undefined)[];
}

/** The primitives as plain rows. */
export const ROWS: readonly OpRules[] = OPS as unknown as readonly OpRules[];

/** The rows of the catalogue: primitives and composites. */
export const ENTRIES = [...ROWS, ...COMPOSITES] as const;

/** A row of the catalogue. */
export type Entry = (typeof ENTRIES)[number];

const IN_CONTROL = 'its params hold programs: control.ts has programs that use it';

/** Rows that no document writes. */
export const IN_PROGRAMS_ONLY = ROWS.filter(({ surface }) => surface === null).map(({ name }) => name);

/** Rows without samples, each with where its laws are checked instead. */
export const WITHOUT_SAMPLES: Readonly<Record<string, string>> = {
  cond: IN_CONTROL,
  scan: IN_CONTROL,
  custom_vjp: IN_CONTROL,
  custom_linear: IN_CONTROL,
  dense: 'it makes variables of its node: control.ts has a document that uses it',
};

/** Rows without worked cases, each with where their numbers are checked instead. */
export const WITHOUT_CASES: Readonly<Record<string, string>> = {
  ...WITHOUT_SAMPLES,
  constant: 'documents write it under `constants`: its elements are the numbers',
};

/** A type as a row of the catalogue prints it. */
export function typeOf(text: string): TensorType {
  const type = parseType(text);
  if (!type) throw new Error(`'${text}' is no type`);
  return type;
}

/** One subject per sample of every row. */
export function subjectsOfTable(): Subject[] {
  return ENTRIES.flatMap((entry) => entry.samples.map((sample) => subjectOf(entry, sample)));
}

/** The subject of one sample. */
export function subjectOf(entry: Entry, sample: Sample): Subject {
  const params = sample.params ? ` ${JSON.stringify(sample.params, printable)}` : '';
  return {
    name: `${entry.name}(${sample.types.join(', ')})${params}`,
    program: 'lower' in entry ? equation(entry, sample) : node(entry, sample.types.map(typeOf), sample.params),
    domains: sample.types.map((_, i) => sample.domain?.[i]),
  };
}

function printable(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : ArrayBuffer.isView(value) ? '…' : value;
}

function equation(op: OpRules, { types, params = {} }: Sample): Program {
  const b = new Builder();
  const inputs = types.map((type) => b.input(typeOf(type)));
  return b.build(b.emit(op, inputs, params as Params));
}

/** The program of a document with one node, all its outputs included. */
export function node(entry: Entry, types: readonly TensorType[], params: Sample['params'] = {}): Program {
  const names = types.map((_, i) => `x${i}`);
  const written = 'writes' in entry ? entry.writes : undefined;
  const declared = (isVariable: boolean): [string, TensorType][] =>
    types.flatMap((type, i) => ((i === written) === isVariable ? [[`x${i}`, type]] : []));
  const document = readDocument(
    {
      inputs: Object.fromEntries(declared(false)),
      variables: Object.fromEntries(declared(true)),
      nodes: [{ name: 'y', op: entry.name, inputs: names, params }],
    },
    DEFAULT_LIMITS,
  );
  const graph = build(document, new Map(), DEFAULT_LIMITS);
  const outputs = [graph.names.get('y') as Var];
  for (let k = 1; graph.names.has(`y:${k}`); k++) outputs.push(graph.names.get(`y:${k}`) as Var);
  // Variables come after inputs: the order is the sample's own, then what the node brought.
  const variableOf = (name: string): Var => graph.names.get(name) as Var;
  const brought = graph.inputs.flatMap(({ name, variable }) => (names.includes(name) ? [] : [variable]));
  return { ...graph.program, inputs: [...names.map(variableOf), ...brought], outputs };
}
