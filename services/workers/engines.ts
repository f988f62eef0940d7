/** @file Where methods run that need an engine: in this process, or in processes of their own. */
import type { Logger } from 'pino';
import type { Deadline } from '../api/deadline.ts';
import type { EngineMethod } from '../api/method.ts';
import type { Completion } from '../sessions/store.ts';
import type { Device } from './devices.ts';
import type { Quarantine } from './quarantine.ts';

/** A request for an engine: whose it is and how long it may take. */
export interface Job {
  readonly request: unknown;
  readonly tenant: string;
  readonly log: Logger;
  readonly deadline: Deadline;
  /** What must be written with the request's work, for its response. */
  readonly complete?: ((response: unknown) => Completion) | undefined;
  /** Collects what is to be done when nobody looks at the response any more. */
  readonly afterwards: (() => void)[];
}

/** Where methods run that need an engine. */
export interface Engines {
  /** Whether there is an engine that can be given work. */
  readonly isReady: boolean;
  readonly quarantine: Quarantine;
  /** What computes. */
  devices(): readonly Device[];
  /** The response of a method. */
  call(method: EngineMethod<'unary'>, job: Job): unknown;
  /** The messages of a method. */
  stream(method: EngineMethod<'stream'>, job: Job): AsyncIterable<unknown>;
}
