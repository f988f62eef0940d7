import { z } from 'zod';
import { engineMethod } from '../method.ts';
import { namesIn } from '../nest.ts';
import { nestSchema, referenceSchema, unconnectedGradientsSchema, unconnectedSchema } from '../schemas.ts';
import { ask, bySource } from './ask.ts';
import { askFields, tapeMetaSchema } from './schemas.ts';

/** Jacobians of a recorded tensor. */
export const tapeJacobian = engineMethod({
  name: 'TapeJacobian',
  summary: 'Jacobians of a recorded tensor: target.shape ++ source.shape for each source.',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes/{tape}/jacobian',
  changes: true,
  computes: true,
  request: z.strictObject({
    ...askFields,
    target: referenceSchema,
    sources: nestSchema,
    mode: z.enum(['auto', 'forward', 'reverse']).default('auto'),
    unconnected_gradients: unconnectedGradientsSchema,
  }),
  response: z.object({
    jacobians: z.unknown().meta({ description: 'In the structure of the sources; null where there is none.' }),
    unconnected: unconnectedSchema,
    meta: tapeMetaSchema,
  }),
  examples: [{ title: 'For a variable', request: { target: 'y', sources: ['w'] } }],
  handle: (request, context) =>
    ask(
      request,
      context,
      () => ({
        ask: { kind: 'jacobian', mode: request.mode === 'auto' ? undefined : request.mode },
        targets: [request.target],
        sources: namesIn(request.sources, context.engine.limits, 'sources'),
        directions: [],
      }),
      (asked) => ({
        jacobians: bySource(asked, request.sources, request.unconnected_gradients, ({ dtype, shape }, target) => ({
          dtype,
          shape: [...target.shape, ...shape],
        })),
      }),
    ),
});
