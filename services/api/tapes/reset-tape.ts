import { z } from 'zod';
import type { Tensor } from '../../../engine/types.ts';
import type { Nest } from '../../sessions/nest.ts';
import { happen } from '../../sessions/tapes.ts';
import type { Work } from '../../sessions/work.ts';
import { type EngineContext, engineMethod } from '../method.ts';
import { tapeFields, tapeInfo, tapeInfoSchema } from './schemas.ts';

/**
 * Events on record from which on a reset drops them. Before, they are kept: they are why a gradient that goes through
 * what was recorded then is said to be `not_recorded`.
 */
const LONG = 1000;

/** Forgets what a tape recorded and what it watches, and records from here on. */
export const resetTape = engineMethod({
  name: 'ResetTape',
  summary: 'Forgets what the tape recorded and watched, and records from here on, as `tape.reset` does.',
  description:
    'Tensors that were bound, or whose values were answered with, keep their names; others may lose them. A tape that ' +
    'was used up can be used again.',
  verb: 'POST',
  path: '/v1/sessions/{session}/tapes/{tape}/reset',
  changes: true,
  request: z.strictObject(tapeFields),
  response: z.object({ tape: tapeInfoSchema }),
  examples: [{ title: 'The tape of the path', request: {} }],
  handle: ({ session: id, tape }, context) =>
    context.sessions.change(context, id, async (work) => {
      const { root, nest } = work.session.tape(tape);
      const isLong = (work.session.logs.get(root)?.entries ?? 0) >= LONG;
      // What other tapes around or within recorded must stay.
      if (isLong && nest.tapes.size === 1) await begin(work, tape, nest, context);
      else await happen(work, root, nest, { type: 'reset', tape });
      const { nest: now, state } = work.session.tape(tape);
      return { tape: tapeInfo(now, state) };
    }),
});

/** Begins the log of a tape that is alone anew, so that it does not grow from reset to reset. */
async function begin(
  work: Work,
  tape: string,
  old: Nest,
  { sessions, tenant, checkpoint }: EngineContext,
): Promise<void> {
  const { persistent, watchesAccessed } = old.tapes.values().next().value as NonNullable<
    ReturnType<Nest['tapes']['get']>
  >;
  const seen = old.seen();
  const data = await old.recording.valuesOf([...seen.values()], checkpoint);
  const bound = [...seen].map(([name, { type }], i) => {
    const tensor: Tensor = { type, data: data[i] as Tensor['data'] };
    return [name, work.keep(tensor)] as const;
  });
  const nest = sessions.nest(tenant);
  work.drop(tape);
  work.session.nests.set(tape, nest);
  await happen(work, tape, nest, { type: 'opened', tape, outer: null, persistent, watchesAccessed });
  if (bound.length > 0)
    await happen(work, tape, nest, { type: 'watched', tape, values: Object.fromEntries(bound), names: [] });
}
