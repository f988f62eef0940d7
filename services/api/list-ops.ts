import { z } from 'zod';
import { CATALOGUE, type Entry } from '../../engine/ops/catalogue.ts';
import { method } from './method.ts';

const opSchema = z.object({
  name: z.string(),
  aliases: z.array(z.string()),
  family: z.string(),
  doc: z.string(),
  inputs: z.array(z.object({ name: z.string(), kind: z.string() })),
  variadic: z.boolean(),
  broadcast: z.boolean(),
  params: z.unknown().meta({ description: 'JSON Schema of the params.' }),
});

/** The catalogue as data; made once, since it never changes. */
const rows = [...new Set(CATALOGUE.values())].map(describe).sort((a, b) => (a.name < b.name ? -1 : 1));

/** Every op and composite a document may use. */
export const listOps = method({
  name: 'ListOps',
  summary: 'Every op a graph may use, with its inputs and params.',
  verb: 'GET',
  path: '/v1/ops',
  request: z.strictObject({}),
  response: z.object({ ops: z.array(opSchema) }),
  examples: [],
  handle: () => ({ ops: rows }),
});

function describe(entry: Entry): z.output<typeof opSchema> {
  const params = 'build' in entry ? entry.params : (entry.surface?.params ?? entry.params);
  return {
    name: entry.name,
    aliases: [...(entry.aliases ?? [])],
    family: entry.family,
    doc: entry.doc,
    inputs: entry.operands.map(({ name, kind }) => ({ name, kind })),
    variadic: entry.variadic,
    broadcast: entry.broadcast,
    params: z.toJSONSchema(params, { unrepresentable: 'any', io: 'input' }),
  };
}
