import { z } from 'zod';
import { EngineError } from '../../../engine/errors.ts';
import { askTape, zerosOf } from '../../sessions/asks.ts';
import { outputGradients } from '../gradient.ts';
import { method } from '../method.ts';
import { listOf, namesIn, packed } from '../nest.ts';
import { nestSchema, targetsSchema, tensorSchema, unconnectedGradientsSchema, unconnectedSchema } from '../schemas.ts';
import { explained } from '../watch.ts';
import { askFields, bySource, startMeta, tapeMetaSchema } from './schemas.ts';

/** The gradient of what was recorded. */
export const tapeGradient = method({
  name: 'TapeGradient',
  summary: 'The gradient of recorded tensors; no graph is run again.',
  description:
    'A tape that is not persistent answers once. A gradient that does not exist is null, and `unconnected` says why.',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes/{tape}/gradient',
  changes: true,
  computes: true,
  request: z.strictObject({
    ...askFields,
    targets: targetsSchema,
    sources: nestSchema.optional().meta({ description: 'Default: the variables that the tape watches.' }),
    output_gradients: tensorSchema.optional().meta({
      description: 'Cotangents of the targets, ones by default: one tensor for one target, a list for a list.',
    }),
    unconnected_gradients: unconnectedGradientsSchema,
  }),
  response: z.object({
    gradients: z.unknown().meta({ description: 'In the structure of the sources; null where there is none.' }),
    unconnected: unconnectedSchema,
    meta: tapeMetaSchema,
  }),
  examples: [{ title: 'For a variable', request: { targets: 'loss', sources: { w: 'w' } } }],
  handle: (request, context) =>
    context.sessions.change(context, request.session, async (work) => {
      const { limits } = context.engine;
      const { nest, state } = work.session.tape(request.tape);
      const meta = startMeta(nest);
      const targets = listOf(request.targets, limits, 'targets');
      const sources = request.sources ?? Object.fromEntries([...state.reads.keys()].map((name) => [name, name]));
      const names = namesIn(sources, limits, 'sources');
      if (names.length === 0 && request.sources === undefined)
        throw new EngineError('invalid_source', "the tape watches no variable; name the sources in 'sources'", {
          pointer: '/sources',
        });
      const directions = outputGradients(request.output_gradients, request.targets, targets, context);
      const isPlain = directions.every((direction) => direction === undefined);
      const asked = await askTape(
        work,
        request.tape,
        {
          ask: isPlain ? { kind: 'gradient' } : { kind: 'pullback', stack: undefined },
          targets,
          sources: names,
          directions,
          record: request.record,
        },
        context,
      );
      return {
        gradients: packed(
          sources,
          bySource(asked, request.unconnected_gradients, (name) => zerosOf(asked.typeOf(name))),
        ),
        unconnected: explained(asked.reasons, targets),
        meta: meta(asked.backend),
      };
    }),
});
