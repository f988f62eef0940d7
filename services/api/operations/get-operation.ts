import { z } from 'zod';
import { method } from '../method.ts';
import { encodingSchema } from '../schemas.ts';
import { infoOf, operationIdSchema, operationReplySchema } from './operation.ts';

/** An operation, with its response once it has succeeded. */
export const getOperation = method({
  name: 'GetOperation',
  summary: 'An operation: its state and progress, and its response or error when it has ended.',
  verb: 'GET',
  path: '/v1/operations/{operation}',
  request: z.strictObject({ operation: operationIdSchema, encoding: encodingSchema.optional() }),
  response: operationReplySchema,
  examples: [],
  handle: async ({ operation }, { tenant, operations }) => {
    const row = await operations.get(tenant, operation);
    return { operation: infoOf(row, await operations.response(row)) };
  },
});
