import { z } from 'zod';
import { method } from '../method.ts';
import { requireOperator } from './operator.ts';

const suspectSchema = z
  .object({
    id: z.string(),
    device: z.string(),
    tenant: z.string().meta({ description: 'Who sent it last.' }),
    method: z.string(),
    deaths: z.number().meta({ description: 'How many engine processes ended while they computed it.' }),
    why: z.string().meta({ description: 'How the last one ended.' }),
    at: z.string().meta({ description: 'When.' }),
  })
  .meta({ id: 'Quarantined' });

/** What is not computed any more. */
export const listQuarantine = method({
  name: 'ListQuarantine',
  summary: 'What is not computed any more because engine processes ended over it; for operators.',
  description: 'A graph, or a question to a tape, that ended two engine processes is refused until it is released.',
  verb: 'GET',
  path: '/v1/quarantine',
  request: z.strictObject({}),
  response: z.object({ quarantined: z.array(suspectSchema) }),
  examples: [],
  handle: (_, context) => {
    requireOperator(context);
    const rows = context.engines.quarantine.list();
    return { quarantined: rows.map(({ at, ...row }) => ({ ...row, at: new Date(at).toISOString() })) };
  },
});
