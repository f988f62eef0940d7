import { z } from 'zod';
import type { Tensor } from '../../engine/types.ts';
import { open } from './compute.ts';
import { derivative, singleTarget } from './derivative.ts';
import { engineMethod } from './method.ts';
import { byName, namesIn, packed } from './nest.ts';
import { computeFields, metaSchema, nestSchema, referenceSchema, tensorsSchema } from './schemas.ts';

/** All second derivatives of a target's sum. */
export const hessian = engineMethod({
  name: 'Hessian',
  summary: 'Second derivatives of a target: a.shape ++ b.shape for each pair of sources.',
  verb: 'POST',
  path: '/v1/hessian',
  computes: true,
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
    const sources = namesIn(request.sources, context.engine.limits, 'sources');
    const results = await derivative(context, opened, { kind: 'hessian', targets: [target], sources });
    const rowOf = (source: string): readonly Tensor[] => {
      const first = sources.indexOf(source) * sources.length;
      return results.made.slice(first, first + sources.length);
    };
    return {
      values: results.values,
      hessians: packed(request.sources, (a) => packed(request.sources, byName(sources, rowOf(a)))),
      variables: results.variables,
      meta: results.meta,
    };
  },
});
