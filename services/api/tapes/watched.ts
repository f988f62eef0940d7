/** @file Tensors bound and names watched, as an event. */
import { didYouMeanOf, EngineError } from '../../../engine/errors.ts';
import { bindValue } from '../../../engine/program/bind.ts';
import type { Watched } from '../../sessions/events.ts';
import type { Nest } from '../../sessions/nest.ts';
import type { Work } from '../../sessions/work.ts';
import { decodeValues } from '../compute.ts';
import type { EngineContext } from '../method.ts';

/** The event of values being bound and names being watched; `undefined` when there is none of either. */
export function watchedBy(
  work: Work,
  nest: Nest,
  tape: string,
  json: Readonly<Record<string, unknown>>,
  names: readonly string[],
  field: string,
  context: EngineContext,
): Watched | undefined {
  const values = decodeValues(json, context.engine);
  if (values.size === 0 && names.length === 0) return undefined;
  for (const name of values.keys())
    if (work.variable(name))
      throw new EngineError('already_exists', `'${name}' is a variable of the session; give the value another name`, {
        input: name,
        pointer: `/values/${name}`,
      });
  for (const name of names)
    if (!values.has(name) && !nest.names.has(name) && !work.variable(name)) {
      const known = [...values.keys(), ...nest.names.keys(), ...work.session.variables.keys()];
      const guess = didYouMeanOf(name, known);
      throw new EngineError('invalid_source', `there is no tensor or variable '${name}' to watch.${guess}`, {
        input: name,
        pointer: `/${field}`,
      });
    }
  const bound = [...values].map(([name, value]) => {
    const type = { dtype: value.dtype ?? 'float32', shape: value.shape } as const;
    return [name, work.keep({ type, data: bindValue(value, type, name) })] as const;
  });
  return { type: 'watched', tape, values: Object.fromEntries(bound), names };
}
