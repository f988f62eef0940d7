/** @file The graph document: what a client sends, untrusted and with the client's own names. */
import { z } from 'zod';
import { DTYPES } from '../types.ts';

/** What a name may look like. */
export const NAME = /^[A-Za-z_][A-Za-z0-9_.:/-]{0,127}$/;

/** A name of an input, variable, constant or node. */
export const nameSchema = z
  .string()
  .regex(NAME, 'must start with a letter or _ and have at most 128 letters, digits and _ . : / -');

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
export const operandSchema = z.union([z.string().max(160), z.number(), z.boolean()]);

/** One node: an op applied to earlier names. */
export const nodeSchema = z.strictObject({
  name: nameSchema,
  op: z.string().max(64),
  inputs: z.array(operandSchema).readonly().default([]),
  params: z.record(z.string().max(64), z.unknown()).default({}),
});

/** A graph document. */
export const graphDocumentSchema = z.strictObject({
  inputs: z.record(nameSchema, inputSchema).default({}),
  variables: z.record(nameSchema, variableSchema).default({}),
  constants: z.record(nameSchema, z.unknown()).default({}),
  nodes: z.array(nodeSchema).readonly(),
  outputs: z.array(z.string().max(160)).readonly().optional(),
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
