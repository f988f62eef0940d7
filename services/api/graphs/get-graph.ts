import { z } from 'zod';
import { method } from '../method.ts';
import { graphExpirySchema, graphReferenceSchema } from './schemas.ts';

/** A kept graph as a document. */
export const getGraph = method({
  name: 'GetGraph',
  summary: 'The document of a kept graph.',
  verb: 'GET',
  path: '/v1/graphs/{graph}',
  request: z.strictObject({ graph: z.string().max(128) }),
  response: z.object({
    graph: graphReferenceSchema,
    document: z.unknown().meta({ description: 'A graph document with what has a default filled in.' }),
    expires_at: graphExpirySchema,
  }),
  version: ({ graph }) => graph.id,
  examples: [],
  handle: async (request, { tenant, graphs }) => {
    const { id, document, expiresAt } = await graphs.get(tenant, request.graph);
    return { graph: { id }, document, expires_at: new Date(expiresAt).toISOString() };
  },
});
