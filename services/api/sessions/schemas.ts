/** @file The parts that the methods of sessions, variables and tapes share. */
import { z } from 'zod';
import { EngineError, type Where } from '../../../engine/errors.ts';
import { decodeTensor } from '../../../engine/formats/tensor.ts';
import { bindValue } from '../../../engine/program/bind.ts';
import { boundedBy, nameSchema } from '../../../engine/program/document.ts';
import { DTYPES, type Tensor, type TensorType } from '../../../engine/types.ts';
import type { Session } from '../../sessions/session.ts';
import type { Sessions } from '../../sessions/sessions.ts';
import type { SessionRow, VariableRow } from '../../sessions/store.ts';
import type { Context } from '../method.ts';
import { tensorSchema } from '../schemas.ts';

/** The longest time that a session may live unused, in seconds. */
export const MAX_TTL_SECONDS = 604_800;

/** A session's id. */
export const sessionSchema = z.string().max(128).meta({ description: "The session's id." });

/** How long a session lives after its last use. */
export const ttlSchema = z.int().min(1).max(MAX_TTL_SECONDS);

/** A session. */
export const sessionInfoSchema = z
  .object({
    session: z.string(),
    created_at: z.string(),
    expires_at: z.string().meta({ description: 'When it ends unless it is used before.' }),
    ttl_seconds: z.number(),
    bytes: z.number().meta({ description: 'What it keeps.' }),
    quota_bytes: z.number(),
    variables: z.number().meta({ description: 'How many it has.' }),
    tapes: z.number().meta({ description: 'How many it has.' }),
  })
  .meta({ id: 'SessionInfo' });

/** A session as its clients see it. */
export function sessionInfo(session: Session, { settings }: Sessions): z.output<typeof sessionInfoSchema> {
  const { row, bytes } = session;
  return {
    ...rowInfo(row),
    bytes,
    quota_bytes: settings.quota,
    variables: session.variables.size,
    tapes: session.openTapes,
  };
}

/** What a session's row alone tells. */
export function rowInfo({ id, createdAt, expiresAt, ttl }: SessionRow) {
  return {
    session: id,
    created_at: new Date(createdAt).toISOString(),
    expires_at: new Date(expiresAt).toISOString(),
    ttl_seconds: ttl / 1000,
  };
}

/** The version that a variable must have to be written; `*` for any. */
export const versionSchema = z
  .union([
    z.literal('*'),
    z.int().min(1).max(1e15),
    // As a query has it.
    z
      .string()
      .max(15)
      .regex(/^[1-9]\d*$/)
      .transform(Number),
  ])
  .meta({ description: "The version that the variable must have, or '*' for any. Also `If-Match`." });

/** A variable without its value. */
export const variableInfoSchema = z
  .object({
    name: z.string(),
    dtype: z.string(),
    shape: z.array(z.number()),
    trainable: z.boolean(),
    version: z.number().meta({ description: 'Grows with every write.' }),
  })
  .meta({ id: 'VariableInfo' });

/** A variable as its clients see it. */
export function variableInfo({ name, dtype, shape, trainable, version }: VariableRow) {
  return { name, dtype, shape: [...shape], trainable, version };
}

/** A variable to make. */
export const newVariableSchema = z.strictObject({
  value: tensorSchema,
  dtype: z.enum(DTYPES).optional().meta({ description: 'Of a value that has none of its own; default float32.' }),
  trainable: z.boolean().default(true),
});

/** Variables to make, by name. */
export const newVariablesSchema = z.record(nameSchema, newVariableSchema).meta(boundedBy('names'));

/** A variable's name. */
export const variableSchema = nameSchema;

/** A value sent for a variable: of the type it has, or of one that is asked for or its own. */
export function variableTensor(
  json: unknown,
  name: string,
  pointer: string,
  { engine }: Context,
  type?: TensorType,
  dtype?: TensorType['dtype'],
): Tensor {
  const where: Where = { input: name, pointer };
  const value = decodeTensor(json, where, engine.limits);
  const wanted = type ?? { dtype: dtype ?? value.dtype ?? 'float32', shape: value.shape };
  return { type: wanted, data: bindValue(value, wanted, name, where) };
}

/** Throws unless a variable may be written under the version that the client has seen. */
export function checkVersion(row: VariableRow, version: number | '*' | undefined, isRequired: boolean): void {
  const { name } = row;
  if (version === undefined && isRequired)
    throw new EngineError(
      'version_required',
      `'${name}' exists and has version ${row.version}; send If-Match: "${row.version}" (or 'version') to replace it, or * for any`,
      { input: name },
    );
  if (version === undefined || version === '*' || version === row.version) return;
  throw new EngineError('version_mismatch', `'${name}' has version ${row.version}, not ${version}`, { input: name });
}
