import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { EngineError } from '../../../engine/errors.ts';
import { happen, usableTape } from '../../sessions/tapes.ts';
import { engineMethod } from '../method.ts';
import { tensorsSchema } from '../schemas.ts';
import { sessionSchema } from '../sessions/schemas.ts';
import { namesSchema, newTapeSchema, tapeInfo, tapeInfoSchema, tapeSchema } from './schemas.ts';
import { watchedBy } from './watched.ts';

/** A tape that records from now on. */
export const createTape = engineMethod({
  name: 'CreateTape',
  summary: 'Opens a tape, which is what `tf.GradientTape` is, across requests.',
  description:
    'With `outer` it lies within another tape: what is recorded on it is recorded on that one too, as nested `with` ' +
    'blocks do. Tapes that are not within one another do not see what the other recorded.',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes',
  changes: true,
  request: z.strictObject({
    session: sessionSchema,
    tape: newTapeSchema,
    persistent: z.boolean().default(false),
    watch_accessed_variables: z.boolean().default(true),
    values: tensorsSchema.default({}).meta({ description: 'Tensors to begin with, by name.' }),
    watch: namesSchema.default([]),
    outer: tapeSchema.optional(),
  }),
  response: z.object({ session: z.string(), tape: tapeInfoSchema }),
  created: ({ session, tape }) => `/v1/sessions/${session}/tapes/${tape.tape}`,
  examples: [{ title: 'A persistent tape', request: { tape: 'cell', persistent: true } }],
  handle: (request, context) => {
    const { tape = `tape_${randomBytes(9).toString('base64url')}`, outer, persistent } = request;
    return context.sessions.change(context, request.session, async (work) => {
      const { session } = work;
      if (session.unreadable.has(tape) || session.tapes().some(({ id }) => id === tape))
        throw new EngineError('already_exists', `the session has a tape '${tape}' already`, { pointer: '/tape' });
      context.sessions.checkTapes(session);
      const isOutermost = outer === undefined;
      const { root, nest } = isOutermost
        ? { root: tape, nest: context.sessions.nest(context.tenant) }
        : usableTape(work, outer);
      const watched = watchedBy(work, nest, tape, request.values, request.watch, 'watch', context);
      await happen(work, root, nest, {
        type: 'opened',
        tape,
        outer: outer ?? null,
        persistent,
        watchesAccessed: request.watch_accessed_variables,
      });
      if (isOutermost) session.nests.set(tape, nest);
      if (watched) await happen(work, root, nest, watched);
      return { session: session.row.id, tape: tapeInfo(nest, session.tape(tape).state) };
    });
  },
});
