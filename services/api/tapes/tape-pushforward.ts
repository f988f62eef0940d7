import { z } from 'zod';
import { type Stack, stacked } from '../../../engine/transform/compose.ts';
import type { TensorType } from '../../../engine/types.ts';
import { typeNamed, zerosOf } from '../../sessions/asks.ts';
import { readDirections } from '../derivative.ts';
import { engineMethod } from '../method.ts';
import { listOf } from '../nest.ts';
import { targetsSchema, tensorsSchema, unconnectedSchema } from '../schemas.ts';
import { ask } from './ask.ts';
import { askFields, tapeMetaSchema } from './schemas.ts';

/** Tangents pushed forward through what was recorded. */
export const tapePushforward = engineMethod({
  name: 'TapePushforward',
  summary: "The targets' tangents along tangents of the sources (forward mode); no graph is run again.",
  description: 'Tangents with one leading axis more than their sources are taken at once.',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes/{tape}/pushforward',
  changes: true,
  computes: true,
  request: z.strictObject({
    ...askFields,
    targets: targetsSchema,
    tangents: tensorsSchema.meta({ description: 'A tangent for each source, by its name; other names have none.' }),
  }),
  response: z.object({ tangents: tensorsSchema, unconnected: unconnectedSchema, meta: tapeMetaSchema }),
  examples: [
    {
      title: 'Two tangents at once',
      request: {
        targets: 'loss',
        tangents: {
          w: [
            [1, 0, 0],
            [0, 1, 0],
          ],
        },
      },
    },
  ],
  handle: (request, context) => {
    const targets = listOf(request.targets, context.engine.limits, 'targets');
    let stack: Stack;
    return ask(
      request,
      context,
      (work) => {
        const shapeOf = (name: string) => typeNamed(work, request.tape, name).shape;
        const sent = readDirections(request.tangents, 'tangents', shapeOf, context);
        stack = sent.stack;
        return {
          ask: { kind: 'pushforward', stack },
          targets,
          sources: Object.keys(request.tangents),
          directions: sent.list,
        };
      },
      (asked) => {
        const made = new Map(asked.floats.map((name, i) => [name, asked.made[i]]));
        // Without a path there is no derivative to push through, and the tangents are zero.
        const tangents = targets.map((name, i) => {
          const type = asked.targets[i] as TensorType;
          return [name, made.get(name) ?? zerosOf(stacked(type, stack))] as const;
        });
        return { tangents: new Map(tangents) };
      },
    );
  },
});
