/** @file Writes to variables that exist: assign, assign_add, assign_sub. */
import { z } from 'zod';
import type { TensorType, TypedArray } from '../../../engine/types.ts';
import { allocateArray, type Tensor, toElement } from '../../../engine/types.ts';
import type { VariableRow } from '../../sessions/store.ts';
import { typeOfRow } from '../../sessions/tapes.ts';
import type { Work } from '../../sessions/work.ts';
import { type Context, method, type UnaryMethod } from '../method.ts';
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

/** The ways to write a variable that exists. */
export const UPDATES = ['assign', 'assign_add', 'assign_sub'] as const;

/** A way to write a variable that exists. */
export type Update = (typeof UPDATES)[number];

/** A method that updates one variable. */
export function updateMethod(name: string, update: Update, summary: string): UnaryMethod {
  return method({
    name,
    summary,
    verb: 'POST',
    path: `/v1/sessions/{session}/variables/{name}/${update}`,
    changes: true,
    request: z.strictObject({
      session: sessionSchema,
      name: variableSchema,
      value: tensorSchema,
      version: versionSchema.optional(),
    }),
    response: z.object({ variable: variableInfoSchema }),
    version: ({ variable }) => variable.version,
    examples: [{ title: 'By one', request: { value: [1, 1, 1] } }],
    handle: (request, context) =>
      context.sessions.change(context, request.session, async (work) => {
        const row = await updated(work, request.name, update, request.value, request.version, '/value', context);
        return { variable: variableInfo(row) };
      }),
  });
}

/** Updates a variable; throws `not_found`, `version_mismatch` or `type_mismatch`. */
export async function updated(
  work: Work,
  name: string,
  update: Update,
  value: unknown,
  version: number | '*' | undefined,
  pointer: string,
  context: Context,
): Promise<VariableRow> {
  const variable = work.session.variable(name);
  const { row } = variable;
  checkVersion(row, version, false);
  const tensor = variableTensor(value, name, pointer, context, typeOfRow(row));
  if (update === 'assign') return work.write(name, tensor, row.trainable);
  const old = await context.sessions.elements(context.tenant, variable);
  return work.write(name, combined(tensor.type, old, tensor.data, update === 'assign_add' ? 1 : -1), row.trainable);
}

/** `a + sign * b` in the dtype's own arithmetic: floats rounded once, integers wrapping around. */
function combined(type: TensorType, a: TypedArray, b: TypedArray, sign: 1 | -1): Tensor {
  const data = allocateArray(type.dtype, a.length);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [a[i], b[i]];
    data[i] =
      typeof x === 'bigint'
        ? toElement(type.dtype, x + BigInt(sign) * (y as bigint))
        : toElement(type.dtype, (x as number) + sign * (y as number));
  }
  return { type, data };
}
