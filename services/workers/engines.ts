/** @file Where methods run that need an engine: in this process, or in processes of their own. */
import type { EngineMethod, Terms } from '../api/method.ts';
import type { Device } from './devices.ts';
import type { Quarantine } from './quarantine.ts';

/** Where methods run that need an engine. */
export interface Engines {
  /** Whether there is an engine that can be given work. */
  readonly isReady: boolean;
  readonly quarantine: Quarantine;
  /** What computes. */
  devices(): readonly Device[];
  /**
   * Throws where it is certain that a request of a tenant would be refused, whatever is in its body of so many bytes: who
   * asks before reading that saves the work.
   */
  admit(method: EngineMethod, tenant: string, bytes: number): void;
  /** Has a method do a request: its response, a promise of it, or the messages of a stream. */
  perform(method: EngineMethod, request: unknown, terms: Terms): unknown;
  /** A session is gone: what was computed for it may be let go. */
  forget(tenant: string, session: string): void;
}
