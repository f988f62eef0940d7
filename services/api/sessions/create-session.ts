import { z } from 'zod';
import { method } from '../method.ts';
import {
  newVariablesSchema,
  sessionInfo,
  sessionInfoSchema,
  ttlSchema,
  variableInfo,
  variableInfoSchema,
  variableTensor,
} from './schemas.ts';

/** A session: variables and tapes that stay between requests. */
export const createSession = method({
  name: 'CreateSession',
  summary: 'Opens a session: variables and tapes that stay between requests.',
  description: 'It ends when it is deleted, or unused for `ttl_seconds`; every use renews its life.',
  verb: 'POST',
  path: '/v1/sessions',
  changes: true,
  request: z.strictObject({ ttl_seconds: ttlSchema.default(3600), variables: newVariablesSchema.default({}) }),
  response: z.object({ session: sessionInfoSchema, variables: z.array(variableInfoSchema) }),
  created: ({ session }) => `/v1/sessions/${session.session}`,
  examples: [{ title: 'With a variable', request: { variables: { w: { value: [1, 2, 3] } } } }],
  handle: (request, context) =>
    context.sessions.create(context, request.ttl_seconds * 1000, (work) => {
      const rows = Object.entries(request.variables).map(([name, { value, dtype, trainable }]) => {
        const tensor = variableTensor(value, name, `/variables/${name}/value`, context, undefined, dtype);
        return work.write(name, tensor, trainable);
      });
      const { bytes, session } = work;
      const info = { ...sessionInfo(session, context.sessions), bytes, variables: rows.length };
      return { session: info, variables: rows.map(variableInfo) };
    }),
});
