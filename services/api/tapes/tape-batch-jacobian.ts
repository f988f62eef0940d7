import { z } from 'zod';
import { engineMethod } from '../method.ts';
import { namesIn } from '../nest.ts';
import { nestSchema, referenceSchema, unconnectedGradientsSchema, unconnectedSchema } from '../schemas.ts';
import { ask, bySource } from './ask.ts';
import { askFields, tapeMetaSchema } from './schemas.ts';

/** Per-example Jacobians of a recorded tensor. */
export const tapeBatchJacobian = engineMethod({
  name: 'TapeBatchJacobian',
  summary: 'Per-example Jacobians of a recorded tensor: [batch, ...target, ...source].',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes/{tape}/batch_jacobian',
  changes: true,
  computes: true,
  request: z.strictObject({
    ...askFields,
    target: referenceSchema,
    sources: nestSchema,
    unconnected_gradients: unconnectedGradientsSchema,
  }),
  response: z.object({
    jacobians: z.unknown().meta({ description: 'In the structure of the sources; null where there is none.' }),
    unconnected: unconnectedSchema,
    meta: tapeMetaSchema,
  }),
  examples: [{ title: 'Row by row', request: { target: 'Y', sources: 'X' } }],
  handle: (request, context) =>
    ask(
      request,
      context,
      () => ({
        ask: { kind: 'batch_jacobian' },
        targets: [request.target],
        sources: namesIn(request.sources, context.engine.limits, 'sources'),
        directions: [],
      }),
      (asked) => ({
        jacobians: bySource(asked, request.sources, request.unconnected_gradients, ({ dtype, shape }, target) => ({
          dtype,
          shape: [...target.shape, ...shape.slice(1)],
        })),
      }),
    ),
});
