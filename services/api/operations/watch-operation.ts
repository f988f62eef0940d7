import { z } from 'zod';
import { streamMethod } from '../method.ts';
import { encodingSchema } from '../schemas.ts';
import { infoOf, operationIdSchema, operationReplySchema } from './operation.ts';

/** An operation as it goes on. */
export const watchOperation = streamMethod({
  name: 'WatchOperation',
  summary: 'An operation now and whenever it changes; the last message has its response or error.',
  description:
    'A client that reads slowly is told of fewer changes. Watching ends at its own deadline; begin it again.',
  verb: 'GET',
  path: '/v1/operations/{operation}/events',
  request: z.strictObject({ operation: operationIdSchema, encoding: encodingSchema.optional() }),
  response: operationReplySchema,
  examples: [],
  async *stream({ operation }, { tenant, operations, signal }) {
    for await (const row of operations.watch(tenant, operation, signal))
      yield { operation: infoOf(row, await operations.response(row)) };
  },
});
