import { z } from 'zod';
import { tangentName } from '../../engine/derive.ts';
import { open, outputNames } from './compute.ts';
import { derivative, directions } from './derivative.ts';
import { engineMethod } from './method.ts';
import { listOf } from './nest.ts';
import { computeFields, metaSchema, targetsSchema, tensorsSchema } from './schemas.ts';

/** Forward mode: the targets' tangents along tangents of the sources. */
export const jvp = engineMethod({
  name: 'Jvp',
  summary: "Values and the targets' tangents along tangents of the sources (forward mode).",
  description: 'Tangents with one leading axis more than their sources are taken at once, against one forward pass.',
  verb: 'POST',
  path: '/v1/jvp',
  computes: true,
  request: z.strictObject({
    ...computeFields,
    targets: targetsSchema.optional(),
    tangents: tensorsSchema.meta({ description: 'A tangent for each source, by its name; other names have none.' }),
  }),
  response: z.object({ values: tensorsSchema, tangents: tensorsSchema, variables: tensorsSchema, meta: metaSchema }),
  examples: [
    {
      title: 'Along one direction',
      request: { graph: 'y = sin(x)', values: { x: [0, 1] }, tangents: { x: [1, 0.5] } },
    },
  ],
  handle: async (request, context) => {
    const opened = open(request, context);
    const { limits } = context.engine;
    const targets =
      request.targets === undefined ? outputNames(opened.graph) : listOf(request.targets, limits, 'targets');
    const { values, stack } = directions(request.tangents, opened.graph, 'tangents', tangentName, context);
    const sources = Object.keys(request.tangents);
    const results = await derivative(context, opened, { kind: 'jvp', targets, sources, stack }, values);
    return {
      values: results.values,
      tangents: new Map(targets.map((target, i) => [target, results.made[i]])),
      variables: results.variables,
      meta: results.meta,
    };
  },
});
