import { z } from 'zod';
import { open } from './compute.ts';
import { derivative, singleTarget } from './derivative.ts';
import { engineMethod } from './method.ts';
import { byName, namesIn, packed } from './nest.ts';
import { computeFields, metaSchema, nestSchema, referenceSchema, tensorsSchema } from './schemas.ts';

/** The Jacobian of one target, of shape `target.shape ++ source.shape` for each source. */
export const jacobian = engineMethod({
  name: 'Jacobian',
  summary: 'Jacobians of a target: target.shape ++ source.shape for each source.',
  description:
    'Built a column (forward) or a row (reverse) at a time, whichever takes fewer passes unless `mode` says.',
  verb: 'POST',
  path: '/v1/jacobian',
  computes: true,
  request: z.strictObject({
    ...computeFields,
    target: referenceSchema.optional().meta({ description: "Default: the graph's only output." }),
    sources: nestSchema,
    mode: z.enum(['auto', 'forward', 'reverse']).default('auto'),
  }),
  response: z.object({
    values: tensorsSchema,
    jacobians: z.unknown().meta({ description: 'In the structure of the sources.' }),
    variables: tensorsSchema,
    meta: metaSchema,
  }),
  examples: [
    { title: 'Of a vector', request: { graph: 'y = x ** 2 * a', values: { x: [1, 2], a: 3 }, sources: ['x', 'a'] } },
  ],
  handle: async (request, context) => {
    const opened = open(request, context);
    const target = singleTarget(opened.graph, request.target);
    const sources = namesIn(request.sources, context.engine.limits, 'sources');
    const mode = request.mode === 'auto' ? undefined : request.mode;
    const results = await derivative(context, opened, { kind: 'jacobian', targets: [target], sources, mode });
    return {
      values: results.values,
      jacobians: packed(request.sources, byName(sources, results.made)),
      variables: results.variables,
      meta: results.meta,
    };
  },
});
