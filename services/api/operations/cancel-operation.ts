import { z } from 'zod';
import { method } from '../method.ts';
import { infoOf, operationIdSchema, operationReplySchema } from './operation.ts';

/** Ends an operation that waits or runs. */
export const cancelOperation = method({
  name: 'CancelOperation',
  summary: 'Ends an operation that waits or runs; one that has ended stays as it is.',
  verb: 'POST',
  path: '/v1/operations/{operation}/cancel',
  changes: true,
  request: z.strictObject({ operation: operationIdSchema }),
  response: operationReplySchema,
  examples: [{ title: 'The operation of the path', request: {} }],
  handle: async ({ operation }, { tenant, operations, signal }) => ({
    operation: infoOf(await operations.cancel(tenant, operation, signal)),
  }),
});
