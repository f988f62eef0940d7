import { z } from 'zod';
import { cotangentName } from '../../engine/derive.ts';
import { open } from './compute.ts';
import { derivative, directions } from './derivative.ts';
import { engineMethod } from './method.ts';
import { byName, namesIn, packed } from './nest.ts';
import { computeFields, metaSchema, nestSchema, tensorsSchema } from './schemas.ts';

/** Reverse mode: the sources' cotangents from cotangents of the targets. */
export const vjp = engineMethod({
  name: 'Vjp',
  summary: "Values and the sources' cotangents from cotangents of the targets (reverse mode).",
  description: 'Cotangents with one leading axis more than their targets are taken at once, against one forward pass.',
  verb: 'POST',
  path: '/v1/vjp',
  computes: true,
  request: z.strictObject({
    ...computeFields,
    cotangents: tensorsSchema.meta({ description: 'A cotangent for each target, by its name.' }),
    sources: nestSchema,
  }),
  response: z.object({
    values: tensorsSchema,
    cotangents: z.unknown().meta({ description: 'In the structure of the sources.' }),
    variables: tensorsSchema,
    meta: metaSchema,
  }),
  examples: [
    {
      title: 'Two cotangents at once',
      request: {
        graph: 'y = x ** 2',
        values: { x: [1, 2] },
        sources: 'x',
        cotangents: {
          y: [
            [1, 0],
            [0, 1],
          ],
        },
      },
    },
  ],
  handle: async (request, context) => {
    const opened = open(request, context);
    const targets = Object.keys(request.cotangents);
    const name = (target: string, i: number): string => cotangentName(i, target);
    const { values, stack } = directions(request.cotangents, opened.graph, 'cotangents', name, context);
    const sources = namesIn(request.sources, context.engine.limits, 'sources');
    const results = await derivative(context, opened, { kind: 'vjp', targets, sources, stack }, values);
    return {
      values: results.values,
      cotangents: packed(request.sources, byName(sources, results.made)),
      variables: results.variables,
      meta: results.meta,
    };
  },
});
