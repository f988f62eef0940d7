import { z } from 'zod';
import { EngineError } from '../../../engine/errors.ts';
import { boundedBy } from '../../../engine/program/document.ts';
import { method } from '../method.ts';
import { tensorSchema } from '../schemas.ts';
import { sessionSchema, variableInfo, variableInfoSchema, variableSchema, versionSchema } from '../sessions/schemas.ts';
import { UPDATES, updated } from './update.ts';

/** Updates several variables at once, all or none. */
export const updateVariables = method({
  name: 'UpdateVariables',
  summary: 'Updates several variables at once, all of them or none.',
  verb: 'PATCH',
  path: '/v1/sessions/{session}/variables',
  changes: true,
  request: z.strictObject({
    session: sessionSchema,
    updates: z
      .record(
        variableSchema,
        z.strictObject({
          assign: tensorSchema.optional(),
          assign_add: tensorSchema.optional(),
          assign_sub: tensorSchema.optional(),
          version: versionSchema.optional(),
        }),
      )
      .meta(boundedBy('names')),
  }),
  response: z.object({ variables: z.array(variableInfoSchema) }),
  examples: [
    {
      title: 'Two at once',
      request: {
        updates: {
          w: { assign_sub: [0.1, 0.1, 0.1] },
          X: {
            assign: [
              [0, 1],
              [1, 0],
            ],
          },
        },
      },
    },
  ],
  handle: (request, context) =>
    context.sessions.change(context, request.session, async (work) => {
      const rows = [];
      for (const [name, update] of Object.entries(request.updates)) {
        const given = UPDATES.filter((kind) => update[kind] !== undefined);
        const [kind] = given;
        if (kind === undefined || given.length > 1)
          throw new EngineError('invalid_request', `one of ${UPDATES.join(', ')} is needed for '${name}'`, {
            input: name,
            pointer: `/updates/${name}`,
          });
        const pointer = `/updates/${name}/${kind}`;
        rows.push(variableInfo(await updated(work, name, kind, update[kind], update.version, pointer, context)));
      }
      return { variables: rows };
    }),
});
