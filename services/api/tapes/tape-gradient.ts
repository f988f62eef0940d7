import { z } from 'zod';
import { EngineError } from '../../../engine/errors.ts';
import { outputGradients } from '../gradient.ts';
import { engineMethod } from '../method.ts';
import { listOf, namesIn } from '../nest.ts';
import {
  type Nest,
  nestSchema,
  targetsSchema,
  tensorSchema,
  unconnectedGradientsSchema,
  unconnectedSchema,
} from '../schemas.ts';
import { ask, bySource } from './ask.ts';
import { askFields, tapeMetaSchema } from './schemas.ts';

/** The gradient of what was recorded. */
export const tapeGradient = engineMethod({
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
  handle: (request, context) => {
    const { limits } = context.engine;
    const targets = listOf(request.targets, limits, 'targets');
    const directions = outputGradients(request.output_gradients, request.targets, targets, context);
    const isPlain = directions.every((direction) => direction === undefined);
    let sources: Nest = [];
    return ask(
      request,
      context,
      ({ session }) => {
        const { reads } = session.tape(request.tape).state;
        sources = request.sources ?? Object.fromEntries([...reads.keys()].map((name) => [name, name]));
        const names = namesIn(sources, limits, 'sources');
        if (names.length === 0 && request.sources === undefined)
          throw new EngineError('invalid_source', "the tape watches no variable; name the sources in 'sources'", {
            pointer: '/sources',
          });
        return {
          ask: isPlain ? { kind: 'gradient' } : { kind: 'pullback', stack: undefined },
          targets,
          sources: names,
          directions,
        };
      },
      (asked) => ({ gradients: bySource(asked, sources, request.unconnected_gradients, (type) => type) }),
    );
  },
});
