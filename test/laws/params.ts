/** @file Random params from the schemas that the ops declare. */
import fc from 'fast-check';
import type { z } from 'zod';
import type { Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/types.ts';
import { subjectsOfControl } from './control.ts';

/** What is known of a schema by looking at it. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly items?: readonly z.ZodType[];
  readonly options?: readonly z.ZodType[];
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly entries?: Readonly<Record<string, string | number>>;
  readonly values?: readonly unknown[];
}

interface Internals {
  readonly _zod: { readonly def: Definition; readonly bag: { readonly minimum?: number; readonly maximum?: number } };
}

const TENSORS: readonly Tensor[] = [
  { type: { dtype: 'float32', shape: [] }, data: Float32Array.of(-0.5) },
  { type: { dtype: 'int64', shape: [2] }, data: BigInt64Array.of(3n, -4n) },
  { type: { dtype: 'float64', shape: [0, 2] }, data: new Float64Array(0) },
];

let programs: readonly Program[] | undefined;

/** What schemas that hold no structure of their own may take. */
function custom(): fc.Arbitrary<unknown> {
  programs ??= subjectsOfControl().map(({ program }) => program);
  const numbers = [0, 1, -0, 2.5, -3, Number.NaN, Infinity, -Infinity, 1e300, 2 ** 31];
  return fc.constantFrom<unknown>(...numbers, ...TENSORS, ...programs);
}

/** Values that a schema takes, as an equation or a document would write them. */
export function valuesOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  return build(schema).filter((value) => schema.safeParse(value).success);
}

function build(schema: z.ZodType): fc.Arbitrary<unknown> {
  const { def, bag } = (schema as unknown as Internals)._zod;
  const inner = (): fc.Arbitrary<unknown> => build(def.innerType as z.ZodType);
  switch (def.type) {
    case 'object':
      return fc.record(Object.fromEntries(Object.entries(def.shape ?? {}).map(([name, part]) => [name, build(part)])), {
        requiredKeys: required(def.shape ?? {}),
      });
    case 'array':
      return fc.array(build(def.element as z.ZodType), { maxLength: 4 });
    case 'tuple':
      return fc.tuple(...(def.items ?? []).map(build));
    case 'union':
      return fc.oneof(...(def.options ?? []).map(build));
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries ?? {}));
    case 'literal':
      return fc.constantFrom(...(def.values ?? []));
    case 'number':
      return numbers(bag.minimum, bag.maximum);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return fc.constantFrom('', 'x', '...', 'ij,jk->ik');
    case 'null':
      return fc.constant(null);
    case 'optional':
    case 'default':
    case 'readonly':
    case 'nonoptional':
      return inner();
    case 'nullable':
      return fc.option(inner());
    case 'pipe':
      return build(def.in as z.ZodType);
    case 'record':
      return subgraph();
    case 'custom':
      return custom();
    default:
      throw new Error(`no values are known for a schema of type '${def.type}'`);
  }
}

/** Sub-graphs that hand on what they are given, or a number: what a record in params is. */
function subgraph(): fc.Arbitrary<unknown> {
  const output = fc.oneof({ weight: 6, arbitrary: fc.constantFrom('a0', 'a0', 'a1', 'a2') }, fc.constant(1.5));
  return fc
    .record({ count: fc.integer({ min: 0, max: 3 }), outputs: fc.array(output, { maxLength: 3 }) })
    .map(({ count, outputs }) => ({ inputs: Array.from({ length: count }, (_, i) => `a${i}`), nodes: [], outputs }));
}

/** Small numbers mostly, and the ends of what the schema takes. */
function numbers(minimum = -1e9, maximum = 1e9): fc.Arbitrary<number> {
  const ends = [minimum, maximum].filter(Number.isFinite);
  return fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: Math.max(-4, Math.ceil(minimum)), max: Math.min(4, maximum) }) },
    { weight: 1, arbitrary: fc.constantFrom(...ends, 0.5) },
  );
}

function required(shape: Readonly<Record<string, z.ZodType>>): string[] {
  return Object.entries(shape).flatMap(([name, part]) => (part.safeParse(undefined).success ? [] : [name]));
}
