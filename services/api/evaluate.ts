import { z } from 'zod';
import { digest } from '../../engine/program/hash.ts';
import { open, outputNames, prepare, run, weightOf } from './compute.ts';
import { engineMethod } from './method.ts';
import { listOf } from './nest.ts';
import { computeFields, metaSchema, targetsSchema, tensorsSchema } from './schemas.ts';

/** The outputs of a graph for values. */
export const evaluate = engineMethod({
  name: 'Evaluate',
  summary: 'Outputs of a graph for values.',
  verb: 'POST',
  path: '/v1/evaluate',
  computes: true,
  request: z.strictObject({ ...computeFields, outputs: targetsSchema.optional() }),
  response: z.object({ values: tensorsSchema, variables: tensorsSchema, meta: metaSchema }),
  examples: [{ title: 'A line of text', request: { graph: 'y = x ** 2 + 1', values: { x: [1, 2, 3] } } }],
  handle: async (request, context) => {
    const { graph, key, values, started } = open(request, context);
    const outputs =
      request.outputs === undefined ? outputNames(graph) : listOf(request.outputs, context.engine.limits, 'outputs');
    const { value, cached } = context.engine.remember(
      digest(['evaluate', key, outputs]),
      () => prepare(graph, outputs, [], context.engine),
      weightOf,
    );
    const results = await run(value, values, new Map(), context, cached, started);
    return {
      values: new Map(outputs.map((name) => [name, results.tensor(name)])),
      variables: results.variables,
      meta: results.meta,
    };
  },
});
