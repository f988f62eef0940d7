import { z } from 'zod';
import { derivative, open, singleTarget } from './derivative.ts';
import { method } from './method.ts';
import { namesIn, packed } from './nest.ts';
import { computeFields, metaSchema, nestSchema, referenceSchema, tensorsSchema } from './schemas.ts';

/** All second derivatives of a target's sum. */
export const hessian = method({
  name: 'Hessian',
  summary: 'Second derivatives of a target: a.shape ++ b.shape for each pair of sources.',
  verb: 'POST',
  path: '/v1/hessian',
  request: z.strictObject({ ...computeFields, target: referenceSchema.optional(), sources: nestSchema }),
  response: z.object({
    values: tensorsSchema,
    hessians: z
      .unknown()
      .meta({ description: 'In the structure of the sources, each in the structure of the sources.' }),
    variables: tensorsSchema,
    meta: metaSchema,
  }),
  examples: [
    {
      title: "Rosenbrock's function",
      request: {
        graph: 'f = sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)',
        values: { x: [1, 1] },
        sources: 'x',
      },
    },
  ],
  handle: async (request, context) => {
    const opened = open(request, context);
    const target = singleTarget(opened.graph, request.target);
    const sources = [...new Set(namesIn(request.sources))];
    const results = await derivative(request, context, opened, { kind: 'hessian', targets: [target], sources });
    return {
      values: results.values as never,
      hessians: packed(request.sources, (a) => packed(request.sources, (b) => results.tensor(`hessian/${a}/${b}`))),
      variables: results.variables as never,
      meta: results.meta as never,
    };
  },
});
