/** @file The graph document: what a client sends, untrusted and with the client's own names. */
import { z } from 'zod';
import { EngineError } from '../errors.ts';
import { poll } from '../interrupt.ts';
import { checkLimit, type Limits } from '../limits.ts';
import { DTYPES } from '../types.ts';
import { violationsOf } from './violations.ts';

/** Marks a list or record in a schema as bounded by a limit, which configuration sets. */
export function boundedBy(limit: keyof Limits): { readonly 'x-limit': keyof Limits } {
  return { 'x-limit': limit };
}

/** What a name may look like. */
export const NAME = /^[A-Za-z_][A-Za-z0-9_.:/-]{0,127}$/;

/** A name of an input, variable, constant or node. */
export const nameSchema = z
  .string()
  .regex(NAME, 'must start with a letter or _ and have at most 128 letters, digits and _ . : / -')
  .refine((name) => {
    // Every part of a document has a name, so that reading a long one is interrupted here.
    poll();
    // As in text graphs and in the keys of JSON.
    return name !== '__proto__';
  }, "'__proto__' cannot be a name");

/** A dtype that programs compute in. */
export const dtypeSchema = z.enum(DTYPES);

/** A shape: at most 8 dimensions of 0 to 2^31-1. */
export const shapeSchema = z
  .array(
    z
      .number()
      .int()
      .min(0)
      .max(2 ** 31 - 1),
  )
  .max(8)
  .readonly();

/** The declared type of an input; a part left out is taken from the value sent. */
export const inputSchema = z.strictObject({ dtype: dtypeSchema.optional(), shape: shapeSchema.optional() });

/** The declared type of a variable. */
export const variableSchema = z.strictObject({
  dtype: dtypeSchema.optional(),
  shape: shapeSchema.optional(),
  trainable: z.boolean().optional(),
});

/** A node's input: a name, or a number or bool that takes the dtype of its neighbours. */
export const operandSchema = z.union([
  z.string().max(160),
  z.number().min(-Number.MAX_VALUE).max(Number.MAX_VALUE),
  z.boolean(),
]);

/** One node: an op applied to earlier names. */
export const nodeSchema = z.strictObject({
  name: nameSchema,
  op: z.string().max(64),
  inputs: z.array(operandSchema).meta(boundedBy('inputs_per_node')).readonly().default([]),
  params: z.record(z.string().max(64), z.unknown()).default({}),
});

/** A graph document. */
export const graphDocumentSchema = z.strictObject({
  inputs: z.record(nameSchema, inputSchema).meta(boundedBy('names')).default({}),
  variables: z.record(nameSchema, variableSchema).meta(boundedBy('names')).default({}),
  constants: z.record(nameSchema, z.unknown()).meta(boundedBy('names')).default({}),
  nodes: z.array(nodeSchema).meta(boundedBy('nodes')).readonly(),
  outputs: z.array(z.string().max(160)).meta(boundedBy('outputs')).readonly().optional(),
  dtype: z.enum(['float32', 'float64']).optional(),
});

/** A graph document as parsed: defaults filled in. */
export type GraphDocument = z.output<typeof graphDocumentSchema>;

/** A graph document as a client may write it: what has a default may be left out. */
export type GraphDocumentInput = z.input<typeof graphDocumentSchema>;

/** A node of a graph document as parsed. */
export type GraphNode = z.output<typeof nodeSchema>;

/** A node's input. */
export type Operand = z.output<typeof operandSchema>;

/** A sub-graph in a param: its inputs are names alone, since the op gives them their types. */
export const subgraphSchema = z.strictObject({
  inputs: z.array(nameSchema).max(10_000).readonly().default([]),
  constants: z.record(nameSchema, z.unknown()).meta(boundedBy('names')).default({}),
  nodes: z.array(nodeSchema).meta(boundedBy('nodes')).readonly().default([]),
  outputs: z.array(operandSchema).max(1_000).readonly(),
});

/** A sub-graph as parsed. */
export type Subgraph = z.output<typeof subgraphSchema>;

/** A graph document from JSON; throws `invalid_graph` naming the node at fault, or `limit_exceeded`. */
export function readDocument(json: unknown, limits: Limits, pointer = '/graph'): GraphDocument {
  checkLengths(json, limits, pointer);
  return readWith(graphDocumentSchema, json, pointer);
}

/** A sub-graph from JSON; throws `invalid_graph` naming the node at fault, or `limit_exceeded`. */
export function readSubgraph(json: unknown, limits: Limits, pointer: string): Subgraph {
  checkLengths(json, limits, pointer);
  return readWith(subgraphSchema, json, pointer);
}

/** Holds the lists of a document to the limits before anything looks at each of their elements. */
function checkLengths(json: unknown, limits: Limits, pointer: string): void {
  const { nodes, outputs, inputs } = (json ?? {}) as Readonly<Record<string, unknown>>;
  checkLength(nodes, limits, 'nodes', "'nodes'", `${pointer}/nodes`);
  checkLength(outputs, limits, 'outputs', "'outputs'", `${pointer}/outputs`);
  checkLength(inputs, limits, 'names', "'inputs'", `${pointer}/inputs`);
  if (!Array.isArray(nodes)) return;
  nodes.forEach((node: { inputs?: unknown; params?: unknown } | null, i) => {
    poll();
    const at = `${pointer}/nodes/${i}`;
    const name = nodeNameAt(json, i);
    const called = name === undefined ? `node ${i}` : `node '${name}'`;
    checkLength(node?.inputs, limits, 'inputs_per_node', `'inputs' of ${called}`, `${at}/inputs`);
    // The entries of a text are its letters.
    const params = typeof node?.params === 'object' && node.params !== null ? node.params : {};
    for (const [key, param] of Object.entries(params))
      if (Array.isArray(param))
        checkLength(
          param.flat(8),
          limits,
          'param_elements',
          `'${key.slice(0, 64)}' of ${called}`,
          `${at}/params/${key.slice(0, 64)}`,
        );
  });
}

function checkLength(list: unknown, limits: Limits, limit: keyof Limits, name: string, pointer: string): void {
  if (!Array.isArray(list)) return;
  checkLimit(limits, limit, list.length, () => `${name} has ${list.length} elements`, { pointer });
}

/**
 * A list whose length is looked at before its elements: zod alone looks at, and complains of, every element of a list
 * that is far too long.
 */
export function boundedArray<S extends z.ZodType>(element: S, max: number) {
  return z.preprocess((value, context) => {
    if (!Array.isArray(value) || value.length <= max) return value;
    context.issues.push({
      code: 'too_big',
      origin: 'array',
      maximum: max,
      input: value,
      message: `has ${value.length} elements; the most is ${max}`,
    });
    return z.NEVER;
  }, z.array(element).max(max));
}

function readWith<S extends z.ZodType>(schema: S, json: unknown, pointer: string): z.output<S> {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const violations = violationsOf(parsed.error, json, schema, pointer, [pointer.slice(pointer.lastIndexOf('/') + 1)]);
  const [, at] = parsed.error.issues[0]?.path ?? [];
  const node = nodeNameAt(json, parsed.error.issues[0]?.path[0] === 'nodes' ? at : undefined);
  const [first] = violations;
  const place = node === undefined ? '' : ` (node '${node}')`;
  throw new EngineError(
    'invalid_graph',
    `${first.detail}${place}`,
    { pointer: first.pointer, ...(node === undefined ? {} : { node }) },
    violations,
  );
}

function nodeNameAt(json: unknown, at: PropertyKey | undefined): string | undefined {
  if (typeof at !== 'number') return undefined;
  const name = (json as { nodes?: { name?: unknown }[] }).nodes?.[at]?.name;
  return typeof name === 'string' ? name.slice(0, 128) : undefined;
}
