import { z } from 'zod';
import { method } from '../method.ts';
import { checkVersion, sessionSchema, variableSchema, versionSchema } from '../sessions/schemas.ts';

/** Deletes a variable; tapes keep what they read of it. */
export const deleteVariable = method({
  name: 'DeleteVariable',
  summary: 'Deletes a variable; tapes keep what they read of it.',
  verb: 'DELETE',
  path: '/v1/sessions/{session}/variables/{name}',
  changes: true,
  request: z.strictObject({ session: sessionSchema, name: variableSchema, version: versionSchema.optional() }),
  response: z.object({}),
  examples: [],
  handle: (request, context) =>
    context.sessions.change(context, request.session, (work) => {
      checkVersion(work.session.variable(request.name).row, request.version, false);
      work.remove(request.name);
      return {};
    }),
});
