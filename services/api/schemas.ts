/** @file The parts that requests and responses of several methods share. */
import { z } from 'zod';
import { boundedArray, boundedBy, nameSchema } from '../../engine/program/document.ts';

/** A tensor as sent: any of the wire forms. */
export const tensorSchema = z.unknown().meta({
  description:
    'A tensor: a number, nested lists of numbers, {dtype, shape, data}, {dtype, shape, base64}, or {dtype, shape, ' +
    'binary_data_size} with the bytes after the JSON. NaN, Infinity and -Infinity are strings.',
});

/** Tensors by name. */
export const tensorsSchema = z.record(nameSchema, tensorSchema).meta(boundedBy('names'));

/** A graph as sent: a document or a line of text. */
export const graphSchema = z.unknown().meta({
  description:
    'A graph document {inputs, variables, constants, nodes, outputs}, one line of text such as ' +
    '"loss = mean((x @ w + b) ** 2)", or {id} of a kept graph.',
});

/** Raw bytes. */
export const bytesSchema = z.instanceof(Uint8Array);

/** How the tensors of a reply are written. */
export const encodingSchema = z.enum(['nested', 'flat', 'base64', 'binary']);

/** What stands for a gradient that does not exist. */
export const unconnectedGradientsSchema = z
  .enum(['none', 'zero'], {
    // TensorFlow's words.
    error: ({ input }) =>
      typeof input === 'string' ? `Unknown value for unconnected_gradients: '${input.slice(0, 64)}'` : undefined,
  })
  .default('none');

/** What the request for a page of a list has. */
export const pageFields = {
  page_size: z.coerce.number<string | number>().int().min(1).max(1000).default(100),
  page_token: z.string().max(256).default('').meta({ description: 'The next_page_token of the page before.' }),
};

/** Options of every method that computes. */
export const optionsSchema = z
  .strictObject({
    device: z.enum(['auto', 'cpu', 'gpu']).default('auto'),
    encoding: encodingSchema.default('nested'),
    timeout_ms: z.number().int().min(1).max(300_000).optional(),
  })
  .prefault({});

/** A name of the graph: an input, a variable, a constant or a node. */
export const referenceSchema = z.string().max(1000);

/** No configuration allows more names in one list; the limit `outputs` does by default allow far fewer. */
const MAX_REFERENCES = 100_000;

/** One name or several. */
export const targetsSchema = z.union([
  referenceSchema,
  boundedArray(referenceSchema, MAX_REFERENCES).meta(boundedBy('outputs')),
]);

/** Names in any nesting of lists and objects; the reply has the same structure. */
export type Nest = string | readonly Nest[] | { readonly [key: string]: Nest };

/** A nesting of names; its depth is bounded by the body's. */
export const nestSchema: z.ZodType<Nest> = z
  .lazy(() =>
    z.union([
      referenceSchema,
      boundedArray(nestSchema, MAX_REFERENCES).meta(boundedBy('outputs')),
      z.record(z.string().max(128), nestSchema).meta(boundedBy('outputs')),
    ]),
  )
  .meta({ id: 'Nest', description: 'A name, or lists and objects of names in any nesting.' });

/** What every request that computes has. */
export const computeFields = {
  graph: graphSchema,
  values: tensorsSchema.default({}),
  options: optionsSchema,
};

/** What computed, in every reply that says so. */
export const computingFields = {
  device: z.string().meta({ description: '`cpu` or `gpu`.' }),
  adapter: z
    .object({ name: z.string(), api: z.string(), software: z.boolean() })
    .nullable()
    .meta({ description: 'The gpu, where one computed.' }),
};

/** What the reply says beside its results. */
export const metaSchema = z.object({
  graph: z.string().meta({ description: 'The identity of the graph: sha256 of its canonical program.' }),
  ...computingFields,
  backend: z.string(),
  cached: z.boolean().meta({ description: 'Whether the compiled computation was known from an earlier request.' }),
  batch: z
    .number()
    .int()
    .optional()
    .meta({ description: 'How many requests were computed as one, where it was not this one alone.' }),
  timing: z.record(z.string(), z.number()).meta({ description: 'Milliseconds by stage.' }),
});

/** Why a gradient does not exist. */
export const unconnectedSchema = z.record(
  z.string(),
  z.object({
    reason: z.enum([
      'not_watched',
      'not_trainable',
      'constant',
      'integer_dtype',
      'not_on_path',
      'stop_gradient',
      'through_state',
      'no_gradient_defined',
      'untaken_branch',
      'not_recorded',
    ]),
    detail: z.string(),
  }),
);

/** A reason why a gradient does not exist. */
export type Reason = z.output<typeof unconnectedSchema>[string]['reason'];
