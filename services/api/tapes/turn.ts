/** @file Methods that change a tape's state. */
import { z } from 'zod';
import type { EngineError } from '../../../engine/errors.ts';
import type { Turned } from '../../sessions/events.ts';
import type { TapeState } from '../../sessions/nest.ts';
import { happen } from '../../sessions/tapes.ts';
import { engineMethod, type UnaryMethod } from '../method.ts';
import { tapeFields, tapeInfo, tapeInfoSchema } from './schemas.ts';

/** A method that changes a tape's state; `refuse` says why it cannot be changed now. */
export function turnMethod(
  name: string,
  verb: string,
  summary: string,
  type: Turned['type'],
  refuse: (state: TapeState) => EngineError | undefined,
): UnaryMethod {
  return engineMethod({
    name,
    summary,
    verb: 'POST',
    path: `/v1/sessions/{session}/tapes/{tape}/${verb}`,
    changes: true,
    request: z.strictObject(tapeFields),
    response: z.object({ tape: tapeInfoSchema }),
    examples: [{ title: 'The tape of the path', request: {} }],
    handle: ({ session: id, tape }, context) =>
      context.sessions.change(context, id, async (work) => {
        const { root, nest, state } = work.session.tape(tape);
        const refusal = refuse(state);
        if (refusal) throw refusal;
        await happen(work, root, nest, { type, tape });
        return { tape: tapeInfo(nest, state) };
      }),
  });
}
