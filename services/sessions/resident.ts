/** @file The sessions that are in memory: those used last, within bounds on their number and on the bytes of values. */
import type { Session, SessionSettings } from './session.ts';

/** Sessions in memory. */
export class Resident {
  readonly #bounds: Pick<SessionSettings, 'memory' | 'resident'>;
  readonly #isBusy: (key: string) => boolean;
  /** In the order of their last use. */
  readonly #sessions = new Map<string, Session>();
  /** Bytes of their values. */
  #bytes = 0;

  /** `isBusy` says on which of them somebody is at work: those stay. */
  constructor(bounds: Pick<SessionSettings, 'memory' | 'resident'>, isBusy: (key: string) => boolean) {
    this.#bounds = bounds;
    this.#isBusy = isBusy;
  }

  /** A session, where it is. */
  get(key: string): Session | undefined {
    return this.#sessions.get(key);
  }

  /** A session that is used now. */
  use(key: string): Session | undefined {
    const session = this.#sessions.get(key);
    if (session) {
      this.#sessions.delete(key);
      this.#sessions.set(key, session);
    }
    return session;
  }

  /** Takes a session in. */
  add(key: string, session: Session): void {
    this.forget(key);
    this.#sessions.set(key, session);
    this.#bytes += session.resident;
    this.#trim();
  }

  /** Lets go of a session. */
  forget(key: string): void {
    this.#bytes -= this.#sessions.get(key)?.resident ?? 0;
    this.#sessions.delete(key);
  }

  /** The sessions that have expired. */
  expired(now: number): Session[] {
    return [...this.#sessions.values()].filter(({ row }) => row.expiresAt <= now);
  }

  /** Counts what a session holds when somebody is done with it. */
  measure(key: string, session: Session): void {
    if (this.#sessions.get(key) !== session) return;
    this.#bytes -= session.resident;
    session.measure();
    this.#bytes += session.resident;
    this.#trim(key);
  }

  /** Lets go of those used longest ago until both bounds are kept; of `done`, the last, only of its values. */
  #trim(done?: string): void {
    for (const [key, session] of this.#sessions) {
      const isOver = this.#bytes > this.#bounds.memory;
      const isMany = this.#sessions.size > this.#bounds.resident;
      if (!isOver && !isMany) break;
      if (this.#isBusy(key) && key !== done) continue;
      if (isMany || key !== done) this.forget(key);
      else {
        this.#bytes -= session.resident;
        session.evict();
        this.#bytes += session.resident;
      }
    }
  }
}
