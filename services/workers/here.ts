/** @file Engine methods run in this process: a fault of compiled code, or a computation without end, takes it along. */
import { setImmediate } from 'node:timers/promises';
import type { Engine } from '../../engine/engine.ts';
import { type EngineContext, isStream } from '../api/method.ts';
import { SessionCopies } from '../sessions/copies.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { deviceOf, noGpu, processor } from './devices.ts';
import type { Engines } from './engines.ts';
import { Quarantine } from './quarantine.ts';

/** An engine in this process, with its copies of sessions; `pick` says which it uses for the next request. */
export function enginesHere(
  engine: Engine,
  sessions: Sessions,
  pick: () => SessionCopies = always(new SessionCopies(engine, sessions, sessions.settings)),
): Engines {
  return {
    isReady: true,
    quarantine: new Quarantine(),
    devices: () => [processor(engine.backend, { workers: 0, ready: 0, restarts: 0 })],
    // Nothing waits here.
    admit() {},
    perform(method, request, { tenant, log, deadline, afterwards, complete }) {
      const { signal, checkpoint } = deadline;
      if (deviceOf(request) === 'gpu') throw noGpu('this service has no gpu');
      const context: EngineContext = {
        signal,
        checkpoint,
        afterReply: (run) => void afterwards.push(run),
        tenant,
        log,
        engine: engine.within(checkpoint),
        device: { device: 'cpu', adapter: null },
        turn: () => setImmediate(),
        sessions: pick(),
        hold: (session, revision) => sessions.hold({ tenant, signal, complete }, session, revision),
      };
      return isStream(method) ? method.stream(request, context) : method.handle(request, context);
    },
    forget: (tenant, session) => pick().forget(tenant, session),
  };
}

function always<T>(value: T): () => T {
  return () => value;
}
