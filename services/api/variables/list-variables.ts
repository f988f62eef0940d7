import { z } from 'zod';
import { method } from '../method.ts';
import { sessionSchema, variableInfo, variableInfoSchema } from '../sessions/schemas.ts';

/** The variables of a session, without their values. */
export const listVariables = method({
  name: 'ListVariables',
  summary: 'The variables of a session by name, without their values.',
  verb: 'GET',
  path: '/v1/sessions/{session}/variables',
  request: z.strictObject({ session: sessionSchema }),
  response: z.object({ variables: z.array(variableInfoSchema) }),
  examples: [],
  handle: async ({ session: id }, { sessions, tenant }) => {
    const rows = await sessions.read(tenant, id, ({ variables }) => [...variables.values()].map(({ row }) => row));
    return { variables: rows.sort((a, b) => (a.name < b.name ? -1 : 1)).map(variableInfo) };
  },
});
