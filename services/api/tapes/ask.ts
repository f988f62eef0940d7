/** @file What the methods that ask a tape share: ask in one go with the session's commit, and say how the answer came. */
import type { TensorType } from '../../../engine/types.ts';
import { type AskedOf, askTape, type Question, zerosOf } from '../../sessions/asks.ts';
import type { Work } from '../../sessions/work.ts';
import type { Device } from '../compute.ts';
import type { EngineContext } from '../method.ts';
import { packed } from '../nest.ts';
import type { Nest } from '../schemas.ts';
import { explained } from '../watch.ts';
import { startMeta } from './schemas.ts';

/** What every request that asks a tape has. */
interface AskRequest {
  readonly session: string;
  readonly tape: string;
  readonly record?: Question['record'];
  readonly options: { readonly device: Device };
}

/** Asks the tape of a request what `question` makes of it; `reply` makes the fields of the response. */
export function ask<R extends AskRequest, A extends object>(
  request: R,
  context: EngineContext,
  question: (work: Work) => Omit<Question, 'record'>,
  reply: (asked: AskedOf) => A,
) {
  return context.sessions.change(context, request.session, async (work) => {
    const meta = startMeta(work.session.tape(request.tape).nest, context);
    const asking = question(work);
    const asked = await askTape(work, request.tape, { ...asking, record: request.record }, context);
    return {
      ...reply(asked),
      unconnected: explained(asked.reasons, asking.targets),
      meta: meta(asked.backend),
    };
  });
}

/** The derivatives in the structure of the sources; where there is none `null`, or zeros of the type that `typeOf` gives. */
export function bySource(
  asked: AskedOf,
  sources: Nest,
  unconnected: 'none' | 'zero',
  typeOf: (source: TensorType, target: TensorType) => TensorType,
): unknown {
  const made = new Map(asked.connected.map((name, i) => [name, asked.made[i]]));
  const [target] = asked.targets as [TensorType];
  return packed(sources, (name) => {
    const known = made.get(name);
    if (known || unconnected === 'none') return known ?? null;
    return zerosOf(typeOf(asked.typeOf(name), target));
  });
}
