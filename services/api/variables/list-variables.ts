import { z } from 'zod';
import { method } from '../method.ts';
import { sessionSchema, variableInfo, variableInfoSchema } from '../sessions/schemas.ts';

/** The variables of a session, without their values. */
export const listVariables = method({
  name: 'ListVariables',
  summary: 'The variables of a session, without their values.',
  verb: 'GET',
  path: '/v1/sessions/{session}/variables',
  request: z.strictObject({ session: sessionSchema }),
  response: z.object({ variables: z.array(variableInfoSchema) }),
  examples: [],
  handle: async ({ session: id }, { sessions, tenant }) => {
    const session = await sessions.read(tenant, id);
    return { variables: [...session.variables.values()].map(({ row }) => variableInfo(row)) };
  },
});
