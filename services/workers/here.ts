/** @file Engine methods run in this process: a fault of compiled code, or a computation without end, takes it along. */
import type { Engine } from '../../engine/engine.ts';
import type { EngineContext } from '../api/method.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Engines, Job } from './engines.ts';

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
    call: (method, job) => method.handle(job.request, contextOf(job)),
    stream: (method, job) => method.stream(job.request, contextOf(job)),
  };
}
