import { z } from 'zod';
import { type Stack, stacked } from '../../../engine/transform/compose.ts';
import { typeNamed } from '../../sessions/asks.ts';
import { readDirections } from '../derivative.ts';
import { engineMethod } from '../method.ts';
import { namesIn } from '../nest.ts';
import { nestSchema, tensorsSchema, unconnectedGradientsSchema, unconnectedSchema } from '../schemas.ts';
import { ask, bySource } from './ask.ts';
import { askFields, tapeMetaSchema } from './schemas.ts';

/** Cotangents pulled back through what was recorded. */
export const tapePullback = engineMethod({
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
  handle: (request, context) => {
    let stack: Stack;
    return ask(
      request,
      context,
      (work) => {
        const shapeOf = (name: string) => typeNamed(work, request.tape, name).shape;
        const sent = readDirections(request.cotangents, 'cotangents', shapeOf, context);
        stack = sent.stack;
        return {
          ask: { kind: 'pullback', stack },
          targets: Object.keys(request.cotangents),
          sources: namesIn(request.sources, context.engine.limits, 'sources'),
          directions: sent.list,
        };
      },
      (asked) => ({
        cotangents: bySource(asked, request.sources, request.unconnected_gradients, (type) => stacked(type, stack)),
      }),
    );
  },
});
