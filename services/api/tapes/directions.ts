/** @file Tangents and cotangents sent to a tape. */
import { EngineError } from '../../../engine/errors.ts';
import { decodeTensor } from '../../../engine/formats/tensor.ts';
import { typeNamed } from '../../sessions/asks.ts';
import type { Work } from '../../sessions/work.ts';
import type { Direction } from '../compute.ts';
import { stackOf } from '../derivative.ts';
import type { Context } from '../method.ts';
import { checkNames } from '../nest.ts';

/** Tensors by the names that they belong to, all stacked along a leading axis of one size or none. */
export function tapeDirections(
  work: Work,
  tape: string,
  json: Readonly<Record<string, unknown>>,
  field: 'tangents' | 'cotangents',
  { engine }: Context,
): { readonly directions: readonly Direction[]; readonly stack: number | undefined } {
  const names = Object.keys(json);
  checkNames(names.length, engine.limits, field);
  if (names.length === 0) throw new EngineError('invalid_request', `'${field}' is empty`, { pointer: `/${field}` });
  const stacks = new Set<number | undefined>();
  const directions = names.map((name): Direction => {
    const where = { input: name, pointer: `/${field}/${name}` };
    const value = decodeTensor(json[name], where, engine.limits);
    stacks.add(stackOf(value.shape, typeNamed(work, tape, name).shape, name, where));
    return { value, where, what: `the ${field.slice(0, -1)} of '${name}'` };
  });
  const [stack] = stacks;
  if (stacks.size <= 1) return { directions, stack };
  const detail = `all of '${field}' must be stacked along an axis of the same size, or none`;
  throw new EngineError('type_mismatch', detail, { pointer: `/${field}` });
}
