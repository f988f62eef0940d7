import { z } from 'zod';
import { method } from '../method.ts';
import { operationIdSchema } from './operation.ts';

/** Cancels an operation and forgets it. */
export const deleteOperation = method({
  name: 'DeleteOperation',
  summary: 'Cancels an operation that has not ended, and forgets it.',
  verb: 'DELETE',
  path: '/v1/operations/{operation}',
  changes: true,
  request: z.strictObject({ operation: operationIdSchema }),
  response: z.object({}),
  examples: [],
  handle: async ({ operation }, { tenant, operations, signal }) => {
    await operations.delete(tenant, operation, signal);
    return {};
  },
});
