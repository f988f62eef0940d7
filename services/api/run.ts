import { z } from 'zod';
import { cotangentName, type Transform, tangentName } from '../../engine/derive.ts';
import { didYouMeanOf, EngineError } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import { boundedArray, boundedBy, nameSchema } from '../../engine/program/document.ts';
import { digest } from '../../engine/program/hash.ts';
import { Value } from '../../engine/program/value.ts';
import {
  type Direction,
  decodeValues,
  graphOf,
  outputNames,
  prepare,
  run as runPrepared,
  weightOf,
} from './compute.ts';
import { type EngineContext, engineMethod } from './method.ts';
import { checkNames, listOf, namesIn } from './nest.ts';
import {
  computeFields,
  graphSchema,
  metaSchema,
  nestSchema,
  targetsSchema,
  tensorSchema,
  tensorsSchema,
} from './schemas.ts';

const common = { targets: targetsSchema.optional() };
const stacked = z
  .boolean()
  .default(false)
  .meta({ description: 'Whether the tensors have a leading axis of directions.' });

/** Tensors by the names of inputs, outputs or earlier results. */
const directionsSchema = z.record(z.string().max(1000), tensorSchema).meta(boundedBy('outputs'));

const transformSchema = z.discriminatedUnion('transform', [
  z.strictObject({ transform: z.literal('gradient'), ...common, sources: nestSchema }),
  z.strictObject({ transform: z.literal('jvp'), ...common, tangents: directionsSchema, stacked }),
  z.strictObject({
    transform: z.literal('vjp'),
    ...common,
    sources: nestSchema,
    cotangents: directionsSchema,
    stacked,
  }),
  z.strictObject({
    transform: z.literal('jacobian'),
    ...common,
    sources: nestSchema,
    mode: z.enum(['auto', 'forward', 'reverse']).default('auto'),
  }),
  z.strictObject({ transform: z.literal('batch_jacobian'), ...common, sources: nestSchema }),
  z.strictObject({ transform: z.literal('hessian'), ...common, sources: nestSchema }),
  z.strictObject({ transform: z.literal('hvp'), ...common, tangents: directionsSchema, stacked }),
  z.strictObject({
    transform: z.literal('vmap'),
    inputs: boundedArray(z.string().max(160), 1000).meta({
      description: 'Inputs whose values have a batch as axis 0.',
    }),
  }),
  z.strictObject({
    transform: z.literal('apply'),
    graph: graphSchema,
    inputs: z.record(nameSchema, z.string().max(1000)).meta({
      ...boundedBy('names'),
      description: "For each input of this graph, the result or output it is fed with, as in { g: 'gradient(x)' }.",
    }),
  }),
]);

type TransformRequest = z.output<typeof transformSchema>;

/** A graph and a list of transforms, applied in order. */
export const run = engineMethod({
  name: 'Run',
  summary: 'A graph and a list of transforms, applied in order; the other methods are data for this one.',
  description:
    'A transform without targets applies to what the one before it made. Its results are named after it, ' +
    '`gradient(x)`, and can be named as targets by those after it; results of the second and later transforms end in ' +
    'their place, `gradient(x) (2)`.',
  verb: 'POST',
  path: '/v1/run',
  computes: true,
  request: z.strictObject({ ...computeFields, transforms: boundedArray(transformSchema, 8) }),
  response: z.object({
    values: tensorsSchema,
    results: z.array(z.record(z.string(), tensorSchema)).meta({ description: 'What each transform made, by name.' }),
    variables: tensorsSchema,
    meta: metaSchema,
  }),
  examples: [
    {
      title: 'A third derivative',
      request: {
        graph: 'y = x ** 4',
        values: { x: 2 },
        transforms: [
          { transform: 'gradient', sources: ['x'] },
          { transform: 'gradient', sources: ['x'] },
          { transform: 'gradient', sources: ['x'] },
        ],
      },
    },
  ],
  handle: async (request, context) => {
    const started = performance.now();
    const { engine } = context;
    const values = decodeValues(request.values, engine);
    const examples = withoutBatches(values, request.transforms);
    const { graph, key } = graphOf(request, examples, engine);
    const outputs = outputNames(graph);
    const directions = new Map<string, Direction>();
    const transforms = request.transforms.map((transform, i) =>
      readTransform(transform, i, request.transforms, values, directions, context),
    );
    const { value, cached } = engine.remember(
      digest(['run', key, transforms]),
      () => prepare(graph, outputs, transforms, engine),
      weightOf,
    );
    const results = await runPrepared(value, values, directions, context, cached, started);
    return {
      values: new Map(outputs.map((name) => [name, results.tensor(name)])),
      results: value.derived.made.map((names) => new Map(names.map((name) => [name, results.tensor(name)]))),
      variables: results.variables,
      meta: results.meta,
    };
  },
});

/** The transform as the engine takes it; its tensors go to `directions` under the names of the inputs they become. */
function readTransform(
  request: TransformRequest,
  at: number,
  all: readonly TransformRequest[],
  values: ReadonlyMap<string, Value>,
  directions: Map<string, Direction>,
  { engine }: EngineContext,
): Transform {
  const suffix = at === 0 ? '' : ` (${at + 1})`;
  const { limits } = engine;
  const place = (field: string): string => `transforms/${at}/${field}`;
  const read = (
    tensors: Readonly<Record<string, unknown>>,
    field: string,
    inputName: (name: string) => string,
    isStacked: boolean,
  ): number | undefined => {
    const count = Object.keys(tensors).length;
    if (count === 0) throw new EngineError('invalid_request', `'${field}' is empty`, { pointer: `/${place(field)}` });
    checkNames(count, limits, place(field));
    const decoded = Object.entries(tensors).map(([name, json]) => {
      const where = { input: name, pointer: `/${place(field)}/${name}` };
      const value = decodeTensor(json, where, limits);
      directions.set(inputName(name) + suffix, { value, where, what: `the ${field.slice(0, -1)} of '${name}'` });
      return value;
    });
    return isStacked ? decoded[0]?.shape[0] : undefined;
  };
  const targets =
    'targets' in request && request.targets !== undefined
      ? listOf(request.targets, limits, place('targets'))
      : undefined;
  const sources = 'sources' in request ? namesIn(request.sources, limits, place('sources')) : [];
  const { transform: kind } = request;
  switch (kind) {
    case 'vmap':
      return { kind, inputs: request.inputs, size: batchSize(all, at, values) };
    case 'apply':
      return { kind, document: engine.readGraph(request.graph), inputs: request.inputs };
    case 'jvp':
    case 'hvp':
      return {
        kind,
        targets,
        sources: Object.keys(request.tangents),
        stack: read(request.tangents, 'tangents', tangentName, request.stacked),
      };
    case 'vjp': {
      const asked = targets ?? Object.keys(request.cotangents);
      checkCotangents(asked, request.cotangents, place('cotangents'));
      const inputName = (name: string): string => cotangentName(asked.indexOf(name), name);
      const stack = read(request.cotangents, 'cotangents', inputName, request.stacked);
      return { kind, targets: asked, sources, stack };
    }
    case 'jacobian':
      return { kind, targets, sources, mode: request.mode === 'auto' ? undefined : request.mode };
    case 'gradient':
    case 'batch_jacobian':
    case 'hessian':
      return { kind, targets, sources };
    default:
      return kind satisfies never;
  }
}

/** Throws unless each target has its cotangent, and no other tensor has one. */
function checkCotangents(
  targets: readonly string[],
  cotangents: Readonly<Record<string, unknown>>,
  field: string,
): void {
  const [missing] = targets.filter((target) => !Object.hasOwn(cotangents, target));
  const [spare] = Object.keys(cotangents).filter((name) => !targets.includes(name));
  if (missing === undefined && spare === undefined) return;
  const fault = missing === undefined ? `'${spare}' is no target` : `the target '${missing}' has no cotangent`;
  throw new EngineError('invalid_request', `${fault}; 'cotangents' must have one for each of 'targets'`, {
    pointer: `/${field}`,
  });
}

/** The values as one example of each batch sees them, which is what the graph is checked with. */
function withoutBatches(
  values: ReadonlyMap<string, Value>,
  transforms: readonly TransformRequest[],
): Map<string, Value> {
  const examples = new Map(values);
  for (const transform of transforms)
    if (transform.transform === 'vmap')
      for (const name of transform.inputs) {
        const value = examples.get(name);
        if (!value) continue;
        const [batch, ...shape] = value.shape;
        const size = batch === undefined || batch === 0 ? 0 : value.data.length / batch;
        examples.set(name, new Value(value.dtype, shape, value.data.subarray(0, size) as Value['data']));
      }
  return examples;
}

/** The size of the batch of a vmap: the axis of its values that is left when those batched later have lost theirs. */
function batchSize(all: readonly TransformRequest[], at: number, values: ReadonlyMap<string, Value>): number {
  const inputsOf = (transform: TransformRequest | undefined): readonly string[] =>
    transform?.transform === 'vmap' ? transform.inputs : [];
  const inputs = inputsOf(all[at]);
  const axisOf = (name: string): number => all.slice(at + 1).filter((later) => inputsOf(later).includes(name)).length;
  const sizes = new Set(inputs.map((name) => values.get(name)?.shape[axisOf(name)]));
  const [size] = sizes;
  const missing = inputs.find((name) => !values.has(name));
  if (missing !== undefined)
    throw new EngineError(
      'invalid_source',
      `'${missing}' has no value to batch.${didYouMeanOf(missing, values.keys())}`,
      {
        input: missing,
        pointer: `/transforms/${at}/inputs`,
      },
    );
  if (sizes.size === 1 && size !== undefined) return size;
  throw new EngineError(
    'type_mismatch',
    `the values of ${inputs.map((name) => `'${name}'`).join(', ')} must have an axis of one size, the batch`,
    { pointer: `/transforms/${at}/inputs` },
  );
}
