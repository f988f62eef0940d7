/** @file What the methods that apply one transform share: read the request, derive, run, and hand on the results. */
import { type Transform, variableOf } from '../../engine/derive.ts';
import { EngineError } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import type { Graph } from '../../engine/program/build.ts';
import { digest } from '../../engine/program/hash.ts';
import type { Shape, Tensor } from '../../engine/types.ts';
import { type Direction, type Opened, outputNames, prepare, type Results, run, weightOf } from './compute.ts';
import type { EngineContext } from './method.ts';
import { checkNames } from './nest.ts';

/** Tensors that go with a transform, and how many of each are stacked along a leading axis. */
export interface Directions {
  readonly values: ReadonlyMap<string, Direction>;
  readonly stack: number | undefined;
}

/**
 * Tangents or cotangents in the order in which they were sent. Each has the shape of what it belongs to, or all have one
 * more leading axis of the same size: then as many derivatives are taken at once.
 */
export function readDirections(
  json: Readonly<Record<string, unknown>>,
  field: 'tangents' | 'cotangents',
  shapeOf: (name: string) => Shape,
  { engine }: EngineContext,
): { readonly list: readonly Direction[]; readonly stack: number | undefined } {
  const names = Object.keys(json);
  checkNames(names.length, engine.limits, field);
  const stacks = new Set<number | undefined>();
  const list = names.map((name): Direction => {
    const where = { input: name, pointer: `/${field}/${name}` };
    const value = decodeTensor(json[name], where, engine.limits);
    stacks.add(stackOf(value.shape, shapeOf(name), name, where));
    return { value, where, what: `the ${field.slice(0, -1)} of '${name}'` };
  });
  const pointer = `/${field}`;
  if (names.length === 0) throw new EngineError('invalid_request', `'${field}' is empty`, { pointer });
  const [stack] = stacks;
  if (stacks.size === 1) return { list, stack };
  const detail = `all of '${field}' must be stacked along an axis of the same size, or none`;
  throw new EngineError('type_mismatch', detail, { pointer });
}

/** Tangents or cotangents for the variables of a graph, by the inputs that take them. */
export function directions(
  json: Readonly<Record<string, unknown>>,
  graph: Graph,
  field: 'tangents' | 'cotangents',
  inputName: (name: string, i: number) => string,
  context: EngineContext,
): Directions {
  const { list, stack } = readDirections(json, field, (name) => variableOf(graph, name).type.shape, context);
  const values = new Map(Object.keys(json).map((name, i) => [inputName(name, i), list[i] as Direction]));
  return { values, stack };
}

/** How many tensors of a shape a given one stacks along a leading axis; `undefined` for one without that axis. */
function stackOf(given: Shape, wanted: Shape, name: string, where: object): number | undefined {
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
  context: EngineContext,
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
  const results = await run(value, values, directions, context, cached, started);
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
