import { z } from 'zod';
import { engineMethod } from '../method.ts';
import { tapeFields, tapeInfo, tapeInfoSchema } from './schemas.ts';

/** What a tape has recorded and what it watches. */
export const getTape = engineMethod({
  name: 'GetTape',
  summary: 'What a tape has recorded, and what it watches.',
  verb: 'GET',
  path: '/v1/sessions/{session}/tapes/{tape}',
  request: z.strictObject(tapeFields),
  response: z.object({ tape: tapeInfoSchema }),
  examples: [],
  handle: ({ session: id, tape }, { sessions, tenant }) =>
    sessions.read(tenant, id, (session) => {
      const { nest, state } = session.tape(tape);
      return { tape: tapeInfo(nest, state) };
    }),
});
