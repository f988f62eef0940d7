import { z } from 'zod';
import { engineMethod } from '../method.ts';
import { sessionSchema } from '../sessions/schemas.ts';
import { tapeInfo, tapeInfoSchema } from './schemas.ts';

/** The tapes of a session. */
export const listTapes = engineMethod({
  name: 'ListTapes',
  summary: 'The tapes of a session, in the order in which they were opened.',
  verb: 'GET',
  path: '/v1/sessions/{session}/tapes',
  request: z.strictObject({ session: sessionSchema }),
  response: z.object({ tapes: z.array(tapeInfoSchema) }),
  examples: [],
  handle: ({ session: id }, { sessions, tenant }) =>
    sessions.read(tenant, id, (session) => ({
      tapes: session.tapes().map((state) => tapeInfo(session.tape(state.id).nest, state)),
    })),
});
