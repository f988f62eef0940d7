import { z } from 'zod';
import { method } from '../method.ts';
import { sessionSchema } from './schemas.ts';

/** Ends a session; its variables and tapes go with it. */
export const deleteSession = method({
  name: 'DeleteSession',
  summary: 'Ends a session; its variables and tapes go with it.',
  verb: 'DELETE',
  path: '/v1/sessions/{session}',
  changes: true,
  request: z.strictObject({ session: sessionSchema }),
  response: z.object({}),
  examples: [],
  handle: ({ session }, context) => context.sessions.delete(context, session, {}),
});
