/** @file Engine methods run in this process: a fault of compiled code, or a computation without end, takes it along. */
import type { Engine } from '../../engine/engine.ts';
import type { EngineContext } from '../api/method.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { processor } from './devices.ts';
import type { Engines, Job } from './engines.ts';
import { Quarantine } from './quarantine.ts';

/** An engine in this process. */
export function enginesHere(engine: Engine, sessions: Sessions): Engines {
  const contextOf = ({ deadline, tenant, log, complete, afterwards }: Job): EngineContext => ({
    signal: deadline.signal,
    checkpoint: deadline.checkpoint,
    afterReply: (run) => void afterwards.push(run),
    tenant,
    log,
    engine,
    sessions,
    ...(complete !== undefined && { complete }),
  });
  return {
    isReady: true,
    quarantine: new Quarantine(),
    devices: () => [processor(engine.backend, { workers: 0, ready: 0, restarts: 0 })],
    call: (method, job) => method.handle(job.request, contextOf(job)),
    stream: (method, job) => method.stream(job.request, contextOf(job)),
  };
}
