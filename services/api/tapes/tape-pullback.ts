import { z } from 'zod';
import { stacked } from '../../../engine/transform/compose.ts';
import { askTape, zerosOf } from '../../sessions/asks.ts';
import { method } from '../method.ts';
import { namesIn, packed } from '../nest.ts';
import { nestSchema, tensorsSchema, unconnectedGradientsSchema, unconnectedSchema } from '../schemas.ts';
import { explained } from '../watch.ts';
import { tapeDirections } from './directions.ts';
import { askFields, bySource, startMeta, tapeMetaSchema } from './schemas.ts';

/** Cotangents pulled back through what was recorded. */
export const tapePullback = method({
  name: 'TapePullback',
  summary: "The sources' cotangents from cotangents of the targets (reverse mode); no graph is run again.",
  description: 'Cotangents with one leading axis more than their targets are taken at once.',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes/{tape}/pullback',
  changes: true,
  computes: true,
  request: z.strictObject({
    ...askFields,
    cotangents: tensorsSchema.meta({ description: 'A cotangent for each target, by its name.' }),
    sources: nestSchema,
    unconnected_gradients: unconnectedGradientsSchema,
  }),
  response: z.object({
    cotangents: z.unknown().meta({ description: 'In the structure of the sources; null where there is none.' }),
    unconnected: unconnectedSchema,
    meta: tapeMetaSchema,
  }),
  examples: [{ title: 'One cotangent', request: { cotangents: { y: [1, 0, 0] }, sources: ['w'] } }],
  handle: (request, context) =>
    context.sessions.change(context, request.session, async (work) => {
      const meta = startMeta(work.session.tape(request.tape).nest);
      const targets = Object.keys(request.cotangents);
      const { directions, stack } = tapeDirections(work, request.tape, request.cotangents, 'cotangents', context);
      const asked = await askTape(
        work,
        request.tape,
        {
          ask: { kind: 'pullback', stack },
          targets,
          sources: namesIn(request.sources, context.engine.limits, 'sources'),
          directions,
          record: request.record,
        },
        context,
      );
      const zeros = (name: string) => zerosOf(stacked(asked.typeOf(name), stack));
      return {
        cotangents: packed(request.sources, bySource(asked, request.unconnected_gradients, zeros)),
        unconnected: explained(asked.reasons, targets),
        meta: meta(asked.backend),
      };
    }),
});
