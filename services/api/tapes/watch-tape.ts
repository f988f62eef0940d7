import { z } from 'zod';
import { happen, usableTape } from '../../sessions/tapes.ts';
import { engineMethod } from '../method.ts';
import { tensorsSchema } from '../schemas.ts';
import { namesSchema, tapeFields, tapeInfo, tapeInfoSchema } from './schemas.ts';
import { watchedBy } from './watched.ts';

/** Has a tape watch tensors and variables from here on. */
export const watchTape = engineMethod({
  name: 'WatchTape',
  summary: 'Has a tape watch tensors and variables from here on, as `tape.watch` does.',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes/{tape}/watch',
  changes: true,
  request: z.strictObject({
    ...tapeFields,
    names: namesSchema.default([]),
    values: tensorsSchema.default({}).meta({ description: 'Tensors to bind to names first.' }),
  }),
  response: z.object({ tape: tapeInfoSchema }),
  examples: [{ title: 'A tensor that is no variable', request: { values: { c: 3 }, names: ['c'] } }],
  handle: ({ session: id, tape, names, values }, context) =>
    context.sessions.change(context, id, async (work) => {
      const { root, nest, state } = usableTape(work, tape);
      const event = watchedBy(work, nest, tape, values, names, 'names', context);
      if (event) await happen(work, root, nest, event);
      return { tape: tapeInfo(nest, state) };
    }),
});
