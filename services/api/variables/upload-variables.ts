import { z } from 'zod';
import { EngineError } from '../../../engine/errors.ts';
import { decodeSafetensors } from '../../../engine/formats/safetensors.ts';
import { nameSchema } from '../../../engine/program/document.ts';
import { formatType, sameType } from '../../../engine/types.ts';
import { typeOfRow } from '../../sessions/tapes.ts';
import { method } from '../method.ts';
import { bytesSchema } from '../schemas.ts';
import { sessionSchema, variableInfo, variableInfoSchema } from '../sessions/schemas.ts';
import { NOT_TRAINABLE, SAFETENSORS_TYPE } from './checkpoint.ts';

/** Makes and assigns variables from a safetensors file, all or none. */
export const uploadVariables = method({
  name: 'UploadVariables',
  summary: 'Makes and assigns variables from a safetensors file, all of them or none.',
  description:
    'Variables that exist keep their dtype and shape, and are assigned whatever their version; those that the file does ' +
    `not have stay. New ones are trainable unless the metadata lists them, as JSON, under \`${NOT_TRAINABLE}\`.`,
  verb: 'PUT',
  path: '/v1/sessions/{session}/checkpoint',
  changes: true,
  content: { of: 'request', type: SAFETENSORS_TYPE },
  request: z.strictObject({ session: sessionSchema, content: bytesSchema }),
  response: z.object({ variables: z.array(variableInfoSchema) }),
  examples: [],
  handle: ({ session: id, content }, context) =>
    context.sessions.change(context, id, (work) => {
      const { tensors, metadata } = decodeSafetensors(content, context.engine.limits);
      const fixed = namesIn(metadata.get(NOT_TRAINABLE));
      const rows = [...tensors].map(([name, tensor]) => {
        if (!nameSchema.safeParse(name).success)
          throw new EngineError('invalid_tensor', `'${name.slice(0, 128)}' is no name of a variable`, {
            input: name.slice(0, 128),
          });
        const known = work.variable(name);
        if (known && !sameType(typeOfRow(known.row), tensor.type))
          throw new EngineError(
            'type_mismatch',
            `'${name}' is ${formatType(tensor.type)} in the file, expected ${formatType(typeOfRow(known.row))}`,
            { input: name },
          );
        return work.write(name, tensor, known?.row.trainable ?? !fixed.has(name));
      });
      return { variables: rows.map(variableInfo) };
    }),
});

function namesIn(text: string | undefined): ReadonlySet<string> {
  if (text === undefined) return new Set();
  try {
    return new Set(z.array(z.string()).parse(JSON.parse(text)));
  } catch {
    throw new EngineError('invalid_tensor', `the metadata '${NOT_TRAINABLE}' must be a JSON list of names`);
  }
}
