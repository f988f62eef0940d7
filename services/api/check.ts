import { z } from 'zod';
import { derive, type Transform, variableOf, withoutShifts } from '../../engine/derive.ts';
import { interruptibly } from '../../engine/interrupt.ts';
import { boundedArray } from '../../engine/program/document.ts';
import { hashProgram } from '../../engine/program/hash.ts';
import { links } from '../../engine/transform/connect.ts';
import { formatType } from '../../engine/types.ts';
import { open, outputNames, trainableNames } from './compute.ts';

import { engineMethod } from './method.ts';
import { listOf, namesIn } from './nest.ts';
import { computeFields, nestSchema, referenceSchema, targetsSchema, unconnectedSchema } from './schemas.ts';
import { explained, reasonsWhyNot } from './watch.ts';

const costSchema = z.object({ flops: z.number(), bytes: z.number(), peak_bytes: z.number() });

/** Types, cost and connections of a graph; nothing is run. */
export const check = engineMethod({
  name: 'Check',
  summary: 'Types, cost, and which sources are connected and why not; runs nothing.',
  description: 'Inputs need a value or a declared dtype and shape.',
  verb: 'POST',
  path: '/v1/check',
  request: z.strictObject({
    ...computeFields,
    targets: targetsSchema.optional(),
    sources: nestSchema.optional(),
    watch: boundedArray(referenceSchema, 1000).optional(),
    watch_accessed_variables: z.boolean().default(true),
  }),
  response: z.object({
    graph: z.string(),
    types: z.record(z.string(), z.string()),
    connected: z.array(z.string()),
    unconnected: unconnectedSchema,
    cost: z.object({ evaluate: costSchema, gradient: costSchema.nullable() }),
  }),
  examples: [
    {
      title: 'With declared types',
      request: {
        graph: {
          inputs: { x: { dtype: 'float32', shape: [64, 32] } },
          nodes: [
            { name: 'y', op: 'tanh', inputs: ['x'] },
            { name: 'loss', op: 'sum', inputs: ['y'] },
          ],
        },
        sources: ['x'],
      },
    },
  ],
  handle: (request, context) =>
    interruptibly(context.checkpoint, () => {
      const { graph } = open(request, context);
      const { limits } = context.engine;
      const targets = request.targets === undefined ? outputNames(graph) : listOf(request.targets, limits, 'targets');
      const sources =
        request.sources === undefined ? trainableNames(graph) : namesIn(request.sources, limits, 'sources');
      const rules = { watch: request.watch, watchAccessedVariables: request.watch_accessed_variables };
      const targetVars = targets.map((name) => variableOf(graph, name));
      const reasons = reasonsWhyNot(graph, sources, rules, links(graph.program, targetVars));
      const connected = sources.filter((source) => !reasons.has(source));
      const cost = (transforms: readonly Transform[]): z.output<typeof costSchema> => {
        const { flops, bytes, peakBytes } = context.engine.estimate(
          withoutShifts(derive(graph, targets, transforms, limits)).program,
        );
        return { flops, bytes, peak_bytes: peakBytes };
      };
      return {
        graph: hashProgram(graph.program),
        types: Object.fromEntries([...graph.names].map(([name, { type }]) => [name, formatType(type)])),
        connected,
        unconnected: Object.fromEntries(explained(reasons, targets)),
        cost: {
          evaluate: cost([]),
          gradient: connected.length === 0 ? null : cost([{ kind: 'gradient', targets, sources: connected }]),
        },
      };
    }),
});
