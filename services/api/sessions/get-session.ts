import { z } from 'zod';
import { method } from '../method.ts';
import { sessionInfo, sessionInfoSchema, sessionSchema } from './schemas.ts';

/** What a session has and until when. */
export const getSession = method({
  name: 'GetSession',
  summary: 'What a session has, and until when.',
  verb: 'GET',
  path: '/v1/sessions/{session}',
  request: z.strictObject({ session: sessionSchema }),
  response: z.object({ session: sessionInfoSchema }),
  examples: [],
  handle: async ({ session }, { sessions, tenant }) => ({
    session: await sessions.read(tenant, session, (read) => sessionInfo(read, sessions)),
  }),
});
