import { z } from 'zod';
import { happen } from '../../sessions/tapes.ts';
import { engineMethod } from '../method.ts';
import { tapeFields } from './schemas.ts';

/** Deletes a tape and those within it. */
export const deleteTape = engineMethod({
  name: 'DeleteTape',
  summary: 'Deletes a tape and those within it, and lets go of what they kept.',
  verb: 'DELETE',
  path: '/v1/sessions/{session}/tapes/{tape}',
  changes: true,
  request: z.strictObject(tapeFields),
  response: z.object({}),
  examples: [],
  handle: ({ session: id, tape }, context) =>
    context.sessions.change(context, id, async (work) => {
      if (work.session.nests.has(tape) || work.session.unreadable.has(tape)) {
        work.drop(tape);
        return {};
      }
      const { root, nest } = work.session.tape(tape);
      await happen(work, root, nest, { type: 'closed', tape });
      return {};
    }),
});
