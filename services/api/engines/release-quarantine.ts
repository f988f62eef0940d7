import { z } from 'zod';
import { EngineError } from '../../../engine/errors.ts';
import { method } from '../method.ts';
import { requireOperator } from './operator.ts';

/** Has something computed again. */
export const releaseQuarantine = method({
  name: 'ReleaseQuarantine',
  summary: 'Has something computed again that was in quarantine; for operators.',
  verb: 'DELETE',
  path: '/v1/quarantine/{id}',
  request: z.strictObject({ id: z.string().max(64).meta({ description: 'As the list has it.' }) }),
  response: z.object({}),
  examples: [],
  handle: ({ id }, context) => {
    requireOperator(context);
    if (!context.engines.quarantine.release(id)) throw new EngineError('not_found', `'${id}' is not in quarantine`);
    return {};
  },
});
