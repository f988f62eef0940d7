import { z } from 'zod';
import { checkTargets, cotangentName, selectorName, type Transform, variableOf } from '../../engine/derive.ts';
import { EngineError } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import type { Graph } from '../../engine/program/build.ts';
import { boundedArray } from '../../engine/program/document.ts';
import { digest } from '../../engine/program/hash.ts';
import type { Var } from '../../engine/program/program.ts';
import { Value } from '../../engine/program/value.ts';
import { type Link, links } from '../../engine/transform/connect.ts';
import { allocateArray, isFloat, sizeOf, type Tensor, type TensorType } from '../../engine/types.ts';
import {
  type Direction,
  open,
  outputNames,
  type Prepared,
  prepare,
  type Results,
  run,
  trainableNames,
  weightOf,
} from './compute.ts';
import { type EngineContext, engineMethod } from './method.ts';
import { byName, listOf, namesIn, packed } from './nest.ts';
import {
  computeFields,
  metaSchema,
  type Nest,
  nestSchema,
  type Reason,
  referenceSchema,
  targetsSchema,
  tensorSchema,
  tensorsSchema,
  unconnectedGradientsSchema,
  unconnectedSchema,
} from './schemas.ts';
import { explained, reasonsWhyNot } from './watch.ts';

const request = z.strictObject({
  ...computeFields,
  targets: targetsSchema
    .optional()
    .meta({ description: "What is differentiated; default: the graph's outputs. Several, or no scalar: their sum." }),
  sources: nestSchema.optional().meta({ description: 'With respect to what; default: every trainable variable.' }),
  watch: boundedArray(referenceSchema, 1000).optional(),
  watch_accessed_variables: z.boolean().default(true),
  output_gradients: tensorSchema.optional().meta({
    description:
      'Cotangents of the targets, ones by default: one tensor for one target, a list (null for ones) for a list.',
  }),
  unconnected_gradients: unconnectedGradientsSchema,
});

/** Value and gradient in one call, by GradientTape's rules. */
export const gradient = engineMethod({
  name: 'Gradient',
  summary: 'Value and gradient in one call.',
  description:
    "Watching follows TensorFlow's GradientTape. A gradient that does not exist is null, and `unconnected` says why.",
  verb: 'POST',
  path: '/v1/gradient',
  computes: true,
  request,
  response: z.object({
    values: tensorsSchema,
    gradients: z.unknown().meta({ description: 'In the structure of the sources; null where there is none.' }),
    unconnected: unconnectedSchema,
    variables: tensorsSchema,
    meta: metaSchema,
  }),
  examples: [
    {
      title: 'A linear layer',
      request: {
        graph: 'loss = mean((x @ w + b) ** 2)',
        values: {
          x: [[1, 2, 3]],
          w: [
            [0.5, -1],
            [1, 0.25],
            [-0.5, 2],
          ],
          b: [0, 0],
        },
        sources: ['w', 'b'],
      },
    },
  ],
  handle: async (request, context) => {
    const { engine } = context;
    const { graph, key, values, started } = open(request, context);
    const targets =
      request.targets === undefined ? outputNames(graph) : listOf(request.targets, engine.limits, 'targets');
    const sources = request.sources ?? trainable(graph);
    checkTargets(targets);
    const names = namesIn(sources, engine.limits, 'sources');
    const cotangents = new Map<string, Direction>();
    outputGradients(request.output_gradients, request.targets, targets, context).forEach((direction, i) => {
      if (direction) cotangents.set(cotangentName(i, targets[i] as string), direction);
    });
    const { value: prepared, cached } = engine.remember(
      digest([
        'gradient',
        key,
        targets,
        names,
        request.watch,
        request.watch_accessed_variables,
        request.unconnected_gradients,
        [...cotangents.keys()],
      ]),
      () => prepareGradient(graph, targets, names, request, cotangents, context),
      ({ prepared }) => weightOf(prepared),
    );
    const results = await run(
      prepared.prepared,
      values,
      withOnes(cotangents, prepared.prepared),
      context,
      cached,
      started,
    );
    const reasons = prepared.branches ? prepared.reasons(takenBranches(graph, results)) : prepared.reasons();
    const made = (prepared.prepared.derived.made[0] ?? []).map((output) => results.tensor(output));
    const gradientOf = byName(prepared.connected, made);
    const gradients = (name: string): Tensor | null => {
      if (!reasons.has(name)) return gradientOf(name);
      return request.unconnected_gradients === 'zero' ? zeros(variableOf(graph, name)) : null;
    };
    return {
      values: new Map(prepared.values.map((name) => [name, results.tensor(name)])),
      gradients: packed(sources, gradients),
      unconnected: explained(reasons, targets),
      variables: results.variables,
      meta: results.meta,
    };
  },
});

type Taken = (selector: Var) => number | undefined;

function prepareGradient(
  graph: Graph,
  targets: readonly string[],
  sources: readonly string[],
  request: { watch?: readonly string[] | undefined; watch_accessed_variables: boolean },
  cotangents: ReadonlyMap<string, Direction>,
  { engine }: EngineContext,
) {
  const targetVars = targets.map((name) => variableOf(graph, name));
  const rules = { watch: request.watch, watchAccessedVariables: request.watch_accessed_variables };
  const reasons = (taken?: Taken): Map<string, Reason> => {
    const link: (variable: Var) => Link = links(graph.program, targetVars, taken);
    return reasonsWhyNot(graph, sources, rules, link);
  };
  const missing = reasons();
  const connected = sources.filter((source) => !missing.has(source));
  const floats = targets.filter((_, i) => isFloat((targetVars[i] as Var).type.dtype));
  const kind: 'gradient' | 'vjp' = cotangents.size > 0 ? 'vjp' : 'gradient';
  const transform: Transform =
    kind === 'vjp'
      ? { kind, targets: floats, sources: connected, stack: undefined }
      : { kind, targets: floats, sources: connected };
  const values = [...new Set([...targets, ...outputNames(graph)])];
  const branches = graph.selectors.length > 0;
  return {
    prepared: prepare(graph, values, connected.length > 0 ? [transform] : [], engine),
    connected,
    values,
    branches,
    reasons: branches ? reasons : () => missing,
  };
}

/** Which branch each choice of the graph took, from the selectors' values. */
function takenBranches(graph: Graph, results: Results): Taken {
  const chosen = new Map(
    graph.selectors.map((selector, i) => [selector, Number(results.tensor(selectorName(i)).data[0])]),
  );
  return (selector) => chosen.get(selector);
}

function trainable(graph: Graph): Nest {
  const names = trainableNames(graph);
  if (names.length > 0) return Object.fromEntries(names.map((name) => [name, name]));
  throw new EngineError('invalid_source', "the graph has no trainable variable; name the sources in 'sources'", {
    pointer: '/sources',
  });
}

/** The cotangents with ones for those left out. */
function withOnes(
  cotangents: ReadonlyMap<string, Direction>,
  { derived, inputs, types }: Prepared,
): Map<string, Direction> {
  const all = new Map(cotangents);
  for (const name of derived.added.flat()) {
    if (all.has(name)) continue;
    const { dtype, shape } = types[inputs.indexOf(name)] as TensorType;
    const value = new Value(dtype, shape, allocateArray(dtype, sizeOf(shape)).fill(1 as never));
    all.set(name, { value, where: { input: name }, what: name });
  }
  return all;
}

/** The cotangents sent, by target; `undefined` stands for ones. */
export function outputGradients(
  json: unknown,
  asked: string | readonly string[] | undefined,
  targets: readonly string[],
  { engine }: EngineContext,
): (Direction | undefined)[] {
  if (json === undefined || json === null) return targets.map(() => undefined);
  const isOne = typeof asked === 'string' || (targets.length === 1 && !Array.isArray(asked));
  const list = isOne && !isListOfTensors(json) ? [json] : json;
  if (!Array.isArray(list) || list.length !== targets.length)
    throw new EngineError(
      'invalid_request',
      `'output_gradients' must be a list of ${targets.length}, one for each target`,
      { pointer: '/output_gradients' },
    );
  return targets.map((target, i) => {
    const pointer = list === json ? `/output_gradients/${i}` : '/output_gradients';
    const where = { input: target, pointer };
    if (list[i] === null) return undefined;
    const value = decodeTensor(list[i], where, engine.limits);
    return { value, where, what: `the output gradient of '${target}'` };
  });
}

/** Whether this is a list of tensors whatever was asked for: nested numbers have no decoded tensors and no null in them. */
function isListOfTensors(json: unknown): boolean {
  return Array.isArray(json) && json.length > 0 && json.every((item) => item === null || item instanceof Value);
}

function zeros({ type }: Var): Tensor {
  return { type, data: allocateArray(type.dtype, sizeOf(type.shape)) };
}
