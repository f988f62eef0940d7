import { z } from 'zod';
import { record } from '../../sessions/tapes.ts';
import { engineMethod } from '../method.ts';
import { listOf } from '../nest.ts';
import { graphSchema, optionsSchema, targetsSchema, tensorsSchema } from '../schemas.ts';
import { namesSchema, startMeta, tapeFields, tapeMetaSchema } from './schemas.ts';

/** Runs a graph and records it, as a cell of a notebook under an open tape. */
export const recordTape = engineMethod({
  name: 'RecordTape',
  summary: 'Runs a graph and records it, like a cell of a notebook under an open tape.',
  description:
    'Names that the graph does not define are values sent with it, tensors recorded before, or variables of the ' +
    'session, in this order. Variables that it declares and the session lacks are made. On a paused tape it runs ' +
    'without being recorded.',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes/{tape}/record',
  changes: true,
  computes: true,
  request: z.strictObject({
    ...tapeFields,
    graph: graphSchema,
    values: tensorsSchema.default({}),
    watch: namesSchema
      .default([])
      .meta({ description: 'What the tape watches from here on: sent, or recorded before.' }),
    outputs: targetsSchema
      .optional()
      .meta({ description: "Whose values to answer with; default: the graph's outputs." }),
    options: optionsSchema,
  }),
  response: z.object({
    values: tensorsSchema,
    variables: tensorsSchema.meta({ description: 'The variables that it wrote or made.' }),
    versions: z.record(z.string(), z.number()).meta({ description: 'Their versions.' }),
    meta: tapeMetaSchema,
  }),
  examples: [{ title: 'A line of text', request: { graph: 'z = sum(w * x)', values: { x: [4, 5, 6] } } }],
  handle: (request, context) => {
    return context.sessions.change(context, request.session, async (work) => {
      const { nest } = work.session.tape(request.tape);
      const meta = startMeta(nest, context);
      const { outputs: asked } = request;
      const outputs = asked === undefined ? undefined : listOf(asked, context.engine.limits, 'outputs');
      const made = await record(work, request.tape, { ...request, outputs }, context);
      return { ...made, meta: meta(nest.recording.backend ?? context.engine.backend) };
    });
  },
});
