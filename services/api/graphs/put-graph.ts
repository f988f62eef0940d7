import { z } from 'zod';
import { method } from '../method.ts';
import { graphSchema } from '../schemas.ts';
import { graphExpirySchema, graphReferenceSchema } from './schemas.ts';

/** Keeps a graph, for requests to name. */
export const putGraph = method({
  name: 'PutGraph',
  summary: 'Keeps a graph under the address of its content; {"id": …} then goes anywhere a graph does.',
  description:
    'A text graph and the document that it stands for have one address. Putting a graph again, and using it, renews it. ' +
    'Types that depend on values are checked when it is used.',
  verb: 'POST',
  path: '/v1/graphs',
  request: z.strictObject({ graph: graphSchema }),
  response: z.object({ graph: graphReferenceSchema, expires_at: graphExpirySchema }),
  created: ({ graph }) => `/v1/graphs/${graph.id}`,
  examples: [{ title: 'A loss', request: { graph: 'loss = mean((x @ w + b) ** 2)' } }],
  handle: async (request, { tenant, graphs }) => {
    const { id, expiresAt } = await graphs.put(tenant, request.graph);
    return { graph: { id }, expires_at: new Date(expiresAt).toISOString() };
  },
});
