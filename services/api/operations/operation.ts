/** @file How the methods of operations show them. */
import { z } from 'zod';
import { ERRORS, type ErrorCode, type Violation, type Where } from '../../../engine/errors.ts';
import type { OperationRow } from '../../sessions/store.ts';

/** The id of an operation. */
export const operationIdSchema = z.string().max(64);

/** An operation as clients see it. */
export const operationSchema = z.object({
  operation: z.string(),
  method: z.string(),
  state: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  progress: z.unknown().meta({ description: 'The last message of a method that answers with a stream, else null.' }),
  response: z.unknown().optional().meta({
    description:
      'What the method answered; of a stream, the last message. Absent in lists, and until it has succeeded.',
  }),
  error: z
    .looseObject({ code: z.string(), title: z.string(), detail: z.string() })
    .nullable()
    .meta({ description: 'Why it failed: the members of problem details that do not belong to HTTP.' }),
  created_at: z.string(),
  expires_at: z.string().nullable().meta({ description: 'When it is forgotten; null until it has ended.' }),
  attempts: z
    .number()
    .meta({ description: 'How often it was begun: more than once when the service ended in the middle.' }),
});

/** What `Get`, `Cancel`, `Start` and `Watch` answer with. */
export const operationReplySchema = z.object({ operation: operationSchema });

/** An operation as clients see it. */
export function infoOf(row: OperationRow, response?: unknown) {
  const { id, method, progress, error, createdAt, expiresAt, attempts } = row;
  const hasEnded = row.state !== 'running';
  return {
    operation: id,
    method,
    state: hasEnded || attempts > 0 ? row.state : 'queued',
    progress: progress === null ? null : JSON.parse(progress),
    ...(row.response !== null && response !== undefined && { response }),
    error: error === null ? null : errorOf(JSON.parse(error)),
    created_at: new Date(createdAt).toISOString(),
    expires_at: hasEnded ? new Date(expiresAt).toISOString() : null,
    attempts,
  };
}

/** What the store keeps of an error. */
interface KeptError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly where: Where;
  readonly violations: readonly Violation[];
}

function errorOf({ code, message, where, violations }: KeptError) {
  return {
    code,
    title: ERRORS[code].title,
    detail: message,
    ...where,
    ...(violations.length > 0 && { errors: violations }),
  };
}
