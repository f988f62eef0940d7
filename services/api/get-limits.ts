import { z } from 'zod';
import { method } from './method.ts';

/** The bounds every request is held to. */
export const getLimits = method({
  name: 'GetLimits',
  summary: 'The bounds every request is held to.',
  verb: 'GET',
  path: '/v1/limits',
  request: z.strictObject({}),
  response: z.object({ limits: z.record(z.string(), z.number()) }),
  examples: [],
  handle: (_, context) => ({ limits: context.limits() }),
});
