import { z } from 'zod';
import { encodeSafetensors } from '../../../engine/formats/safetensors.ts';
import type { Tensor } from '../../../engine/types.ts';
import { typeOfRow } from '../../sessions/tapes.ts';
import { method } from '../method.ts';
import { bytesSchema } from '../schemas.ts';
import { sessionSchema } from '../sessions/schemas.ts';
import { NOT_TRAINABLE, SAFETENSORS_TYPE } from './checkpoint.ts';

/** The variables of a session as one safetensors file. */
export const downloadVariables = method({
  name: 'DownloadVariables',
  summary: 'The variables of a session as one safetensors file, as they are after one commit.',
  description:
    `Its metadata lists those that are not trainable under \`${NOT_TRAINABLE}\`, as JSON. Python reads it with ` +
    '`safetensors.numpy.load`.',
  verb: 'GET',
  path: '/v1/sessions/{session}/checkpoint',
  content: { of: 'response', type: SAFETENSORS_TYPE },
  request: z.strictObject({
    session: sessionSchema,
    names: z.string().max(65_536).optional().meta({ description: 'Which ones, separated by commas; default: all.' }),
  }),
  response: z.object({ content: bytesSchema }),
  examples: [],
  handle: async ({ session: id, names }, { sessions, tenant }) => {
    // Taken together before anything is read, so that the file shows one commit and no part of the next.
    const variables = await sessions.read(tenant, id, (session) =>
      (names === undefined ? [...session.variables.keys()] : names.split(',')).map((name) => session.variable(name)),
    );
    const tensors = new Map<string, Tensor>();
    for (const variable of variables)
      tensors.set(variable.row.name, {
        type: typeOfRow(variable.row),
        data: await sessions.elements(tenant, variable),
      });
    const fixed = variables.filter(({ row }) => !row.trainable).map(({ row }) => row.name);
    const metadata = new Map(fixed.length > 0 ? [[NOT_TRAINABLE, JSON.stringify(fixed)]] : []);
    return { content: encodeSafetensors(tensors, metadata) };
  },
});
