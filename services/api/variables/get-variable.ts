import { z } from 'zod';
import { typeOfRow } from '../../sessions/tapes.ts';
import { method } from '../method.ts';
import { encodingSchema, tensorSchema } from '../schemas.ts';
import { sessionSchema, variableInfo, variableInfoSchema, variableSchema } from '../sessions/schemas.ts';

/** A variable with its value. */
export const getVariable = method({
  name: 'GetVariable',
  summary: 'A variable with its value.',
  verb: 'GET',
  path: '/v1/sessions/{session}/variables/{name}',
  request: z.strictObject({ session: sessionSchema, name: variableSchema, encoding: encodingSchema.optional() }),
  response: z.object({ variable: variableInfoSchema, value: tensorSchema }),
  version: ({ variable }) => variable.version,
  examples: [],
  handle: async ({ session: id, name }, { sessions, tenant }) => {
    const variable = await sessions.read(tenant, id, (session) => session.variable(name));
    const data = await sessions.elements(tenant, variable);
    return { variable: variableInfo(variable.row), value: { type: typeOfRow(variable.row), data } };
  },
});
