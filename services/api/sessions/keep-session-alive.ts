import { z } from 'zod';
import { method } from '../method.ts';
import { sessionInfo, sessionInfoSchema, sessionSchema, ttlSchema } from './schemas.ts';

/** Renews a session's life, and changes how long it lives unused. */
export const keepSessionAlive = method({
  name: 'KeepSessionAlive',
  summary: "Renews a session's life, and may change how long it lives unused.",
  verb: 'POST',
  path: '/v1/sessions/{session}/keep_alive',
  changes: true,
  request: z.strictObject({ session: sessionSchema, ttl_seconds: ttlSchema.optional() }),
  response: z.object({ session: sessionInfoSchema }),
  examples: [{ title: 'For two hours', request: { ttl_seconds: 7200 } }],
  handle: async ({ session, ttl_seconds: ttl }, context) => {
    const { sessions } = context;
    const milliseconds = ttl === undefined ? undefined : ttl * 1000;
    return { session: sessionInfo(await sessions.keepAlive(context, session, milliseconds), sessions) };
  },
});
