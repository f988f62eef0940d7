import { z } from 'zod';
import { DTYPES } from '../../../engine/types.ts';
import { typeOfRow } from '../../sessions/tapes.ts';
import { method } from '../method.ts';
import { tensorSchema } from '../schemas.ts';
import {
  checkVersion,
  sessionSchema,
  variableInfo,
  variableInfoSchema,
  variableSchema,
  variableTensor,
  versionSchema,
} from '../sessions/schemas.ts';

/** Makes a variable, or assigns one that exists under the version that the client has seen. */
export const putVariable = method({
  name: 'PutVariable',
  summary: 'Makes a variable, or assigns one that exists under the version that the client has seen.',
  description:
    'A variable keeps its dtype and shape for life. To replace one that exists, send its version (`If-Match`).',
  verb: 'PUT',
  path: '/v1/sessions/{session}/variables/{name}',
  changes: true,
  request: z.strictObject({
    session: sessionSchema,
    name: variableSchema,
    value: tensorSchema,
    dtype: z.enum(DTYPES).optional().meta({ description: 'Of a new variable; default float32 for plain numbers.' }),
    trainable: z.boolean().optional().meta({ description: 'Default true; one that exists stays what it is.' }),
    version: versionSchema.optional(),
  }),
  response: z.object({ variable: variableInfoSchema }),
  version: ({ variable }) => variable.version,
  examples: [
    {
      title: 'Whatever its version',
      request: { value: [0.5, 1, 1.5], version: '*' },
    },
  ],
  handle: (request, context) =>
    context.sessions.change(context, request.session, (work) => {
      const { name, version } = request;
      const known = work.variable(name);
      if (known) checkVersion(known.row, version, true);
      else if (typeof version === 'number') throw work.session.absent(name);
      const type = known && typeOfRow(known.row);
      const tensor = variableTensor(request.value, name, '/value', context, type, request.dtype);
      return { variable: variableInfo(work.write(name, tensor, request.trainable ?? known?.row.trainable ?? true)) };
    }),
});
