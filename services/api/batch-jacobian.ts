import { z } from 'zod';
import { open } from './compute.ts';
import { derivative, singleTarget } from './derivative.ts';
import { engineMethod } from './method.ts';
import { byName, namesIn, packed } from './nest.ts';
import { computeFields, metaSchema, nestSchema, referenceSchema, tensorsSchema } from './schemas.ts';

/** For each row of a batch, the Jacobian of the target's row with respect to the source's row. */
export const batchJacobian = engineMethod({
  name: 'BatchJacobian',
  summary: 'Per-example Jacobians: [batch, ...target, ...source] of a [batch, ...] target and source.',
  description:
    'Only the first dimensions are checked. When rows of the target depend on other rows of the source, as after batch ' +
    'normalisation, the result mixes them and means nothing.',
  verb: 'POST',
  path: '/v1/batch_jacobian',
  computes: true,
  request: z.strictObject({ ...computeFields, target: referenceSchema.optional(), sources: nestSchema }),
  response: z.object({
    values: tensorsSchema,
    jacobians: z.unknown().meta({ description: 'In the structure of the sources.' }),
    variables: tensorsSchema,
    meta: metaSchema,
  }),
  examples: [
    {
      title: 'Row by row',
      request: {
        graph: 'z = x * x * y',
        sources: ['x'],
        values: {
          x: [
            [1, 2],
            [3, 4],
          ],
          y: [
            [3, 4],
            [5, 6],
          ],
        },
      },
    },
  ],
  handle: async (request, context) => {
    const opened = open(request, context);
    const target = singleTarget(opened.graph, request.target);
    const sources = namesIn(request.sources, context.engine.limits, 'sources');
    const results = await derivative(context, opened, { kind: 'batch_jacobian', targets: [target], sources });
    return {
      values: results.values,
      jacobians: packed(request.sources, byName(sources, results.made)),
      variables: results.variables,
      meta: results.meta,
    };
  },
});
