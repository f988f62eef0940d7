import { z } from 'zod';
import { didYouMeanOf, EngineError } from '../../../engine/errors.ts';
import { method } from '../method.ts';
import { validate } from '../validate.ts';
import { infoOf, operationReplySchema } from './operation.ts';

/** Has a method computed without a connection that waits for it. */
export const startOperation = method({
  name: 'StartOperation',
  summary: 'Has a method that computes go on without a connection that waits for it.',
  description:
    'Over HTTP, the header `Prefer: respond-async` on the method itself does the same. An operation outlives a restart ' +
    'of the service, is begun again after one, and is never done twice where it changes a session.',
  verb: 'POST',
  path: '/v1/operations',
  changes: true,
  request: z.strictObject({
    method: z.string().max(64).meta({ description: 'The name of a method that computes, such as Gradient.' }),
    request: z.unknown().meta({ description: 'The request of that method.' }),
  }),
  response: operationReplySchema,
  accepted: ({ operation }) => `/v1/operations/${operation.operation}`,
  examples: [
    {
      title: 'A gradient',
      request: { method: 'Gradient', request: { graph: 'y = x ** 2', sources: ['x'], values: { x: 3 } } },
    },
  ],
  handle: async (request, { tenant, methods, operations, complete }) => {
    const computing = methods.filter(({ computes }) => computes === true);
    const asked = computing.find(({ name }) => name === request.method);
    if (asked === undefined) {
      const guess = didYouMeanOf(
        request.method,
        computing.map(({ name }) => name),
      );
      throw new EngineError('invalid_request', `there is no method '${request.method}' that computes.${guess}`, {
        pointer: '/method',
      });
    }
    // A request that its method would not take is refused now, not found failed later.
    validate(asked, request.request, '/request');
    const started = await operations.start(tenant, asked, request.request, (row) =>
      complete?.({ operation: infoOf(row) }),
    );
    return { operation: infoOf(started) };
  },
});
