/** @file What the methods that apply one transform share: read the request, derive, run, and hand on the results. */
import { type Transform, variableOf } from '../../engine/derive.ts';
import { EngineError } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import type { Graph } from '../../engine/program/build.ts';
import { digest } from '../../engine/program/hash.ts';
import type { Shape, Tensor } from '../../engine/types.ts';
import {
  type ComputeRequest,
  type Direction,
  type Opened,
  outputNames,
  prepare,
  type Results,
  run,
  weightOf,
} from './compute.ts';
import type { Context } from './method.ts';
import { checkNames } from './nest.ts';

/** Tensors that go with a transform, and how many of each are stacked along a leading axis. */
export interface Directions {
  readonly values: ReadonlyMap<string, Direction>;
  readonly stack: number | undefined;
}

/**
 * Tangents or cotangents by the names they belong to. Each has the shape of what it belongs to, or all have one more
 * leading axis of the same size: then as many derivatives are taken at once.
 */
export function directions(
  json: Readonly<Record<string, unknown>>,
  graph: Graph,
  field: 'tangents' | 'cotangents',
  inputName: (name: string, i: number) => string,
  { engine }: Context,
): Directions {
  const values = new Map<string, Direction>();
  const stacks = new Set<number | undefined>();
  checkNames(Object.keys(json).length, engine.limits, field);
  Object.entries(json).forEach(([name, tensor], i) => {
    const where = { input: name, pointer: `/${field}/${name}` };
    const value = decodeTensor(tensor, where, engine.limits);
    const { shape } = variableOf(graph, name).type;
    values.set(inputName(name, i), { value, where, what: `the ${field.slice(0, -1)} of '${name}'` });
    stacks.add(stackOf(value.shape, shape, name, where));
  });
  if (values.size === 0) throw new EngineError('invalid_request', `'${field}' is empty`, { pointer: `/${field}` });
  if (stacks.size > 1)
    throw new EngineError(
      'type_mismatch',
      `all of '${field}' must be stacked along an axis of the same size, or none`,
      {
        pointer: `/${field}`,
      },
    );
  return { values, stack: [...stacks][0] };
}

/** How many tensors of a shape a given one stacks along a leading axis; `undefined` for one without that axis. */
export function stackOf(given: Shape, wanted: Shape, name: string, where: object): number | undefined {
  const inner = given.slice(given.length - wanted.length);
  const matches = inner.length === wanted.length && inner.every((size, axis) => size === wanted[axis]);
  if (matches && given.length === wanted.length) return undefined;
  if (matches && given.length === wanted.length + 1) return given[0];
  throw new EngineError(
    'type_mismatch',
    `'${name}' has shape [${wanted}]; this one has [${given}], expected that shape or one leading axis more`,
    where,
  );
}

/** Applies one transform and runs it; `made` is what the transform made, in its order. */
export async function derivative(
  request: ComputeRequest,
  context: Context,
  { graph, key, values, started }: Opened,
  transform: Transform,
  directions: ReadonlyMap<string, Direction> = new Map(),
): Promise<Results & { readonly values: ReadonlyMap<string, Tensor>; readonly made: readonly Tensor[] }> {
  const names = [...new Set([...(transform.targets ?? []), ...outputNames(graph)])];
  const { value, cached } = context.engine.remember(
    digest([key, transform]),
    () => prepare(graph, names, [transform], context.engine),
    weightOf,
  );
  const results = await run(value, values, directions, context, request, cached, started);
  return {
    ...results,
    values: new Map(names.map((name) => [name, results.tensor(name)])),
    made: (value.derived.made[0] ?? []).map((name) => results.tensor(name)),
  };
}

/** The one target a method takes: that named, or the graph's only output. */
export function singleTarget(graph: Graph, target: string | undefined): string {
  const outputs = outputNames(graph);
  if (target !== undefined) return target;
  if (outputs.length === 1) return outputs[0] as string;
  throw new EngineError('invalid_source', `name one of the outputs as 'target': ${outputs.join(', ')}`, {
    pointer: '/target',
  });
}
