import { z } from 'zod';
import { method } from '../method.ts';
import { pageFields } from '../schemas.ts';
import { infoOf, operationSchema } from './operation.ts';

/** The tenant's operations. */
export const listOperations = method({
  name: 'ListOperations',
  summary: 'Operations that have not expired, oldest first, without their responses.',
  verb: 'GET',
  path: '/v1/operations',
  request: z.strictObject(pageFields),
  response: z.object({ operations: z.array(operationSchema), next_page_token: z.string() }),
  examples: [],
  handle: async ({ page_size, page_token }, { tenant, operations }) => {
    const rows = await operations.list(tenant, page_token, page_size + 1);
    const page = rows.slice(0, page_size);
    return {
      operations: page.filter(({ expiresAt }) => expiresAt > Date.now()).map((row) => infoOf(row)),
      next_page_token: rows.length > page.length ? (page.at(-1)?.id ?? '') : '',
    };
  },
});
