import { z } from 'zod';
import type { TensorType } from '../../../engine/types.ts';
import { askTape, zerosOf } from '../../sessions/asks.ts';
import { method } from '../method.ts';
import { namesIn, packed } from '../nest.ts';
import { nestSchema, referenceSchema, unconnectedGradientsSchema, unconnectedSchema } from '../schemas.ts';
import { explained } from '../watch.ts';
import { askFields, bySource, startMeta, tapeMetaSchema } from './schemas.ts';

/** Jacobians of a recorded tensor. */
export const tapeJacobian = method({
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
    context.sessions.change(context, request.session, async (work) => {
      const meta = startMeta(work.session.tape(request.tape).nest);
      const asked = await askTape(
        work,
        request.tape,
        {
          ask: { kind: 'jacobian', mode: request.mode === 'auto' ? undefined : request.mode },
          targets: [request.target],
          sources: namesIn(request.sources, context.engine.limits, 'sources'),
          directions: [],
          record: request.record,
        },
        context,
      );
      const zeros = (name: string) => {
        const [target] = asked.targets as [TensorType];
        return zerosOf({ dtype: asked.typeOf(name).dtype, shape: [...target.shape, ...asked.typeOf(name).shape] });
      };
      return {
        jacobians: packed(request.sources, bySource(asked, request.unconnected_gradients, zeros)),
        unconnected: explained(asked.reasons, [request.target]),
        meta: meta(asked.backend),
      };
    }),
});
