import { z } from 'zod';
import { tangentName } from '../../engine/derive.ts';
import { open } from './compute.ts';
import { derivative, directions, singleTarget } from './derivative.ts';
import { engineMethod } from './method.ts';
import { computeFields, metaSchema, referenceSchema, tensorsSchema } from './schemas.ts';

/** The Hessian of a target times tangents, without the Hessian. */
export const hvp = engineMethod({
  name: 'Hvp',
  summary: 'Hessian-vector products: the cost of a few gradients, however many variables.',
  verb: 'POST',
  path: '/v1/hvp',
  computes: true,
  request: z.strictObject({
    ...computeFields,
    target: referenceSchema.optional(),
    tangents: tensorsSchema.meta({ description: 'The vector, by source; stacked vectors have one leading axis more.' }),
  }),
  response: z.object({ values: tensorsSchema, products: tensorsSchema, variables: tensorsSchema, meta: metaSchema }),
  examples: [
    { title: 'Of a cubic', request: { graph: 'y = sum(x ** 3)', values: { x: [1, 2] }, tangents: { x: [1, 1] } } },
  ],
  handle: async (request, context) => {
    const opened = open(request, context);
    const target = singleTarget(opened.graph, request.target);
    const { values, stack } = directions(request.tangents, opened.graph, 'tangents', tangentName, context);
    const sources = Object.keys(request.tangents);
    const results = await derivative(context, opened, { kind: 'hvp', targets: [target], sources, stack }, values);
    return {
      values: results.values,
      products: new Map(sources.map((source, i) => [source, results.made[i]])),
      variables: results.variables,
      meta: results.meta,
    };
  },
});
