/**
 * @file Sessions at home: found, held, changed and committed one request at a time. What is here knows rows, logs and
 * variables; tapes are whatever engines make of the logs.
 */
import { randomBytes } from 'node:crypto';
import { EngineError } from '../../engine/errors.ts';
import type { TypedArray } from '../../engine/types.ts';
import { boundOf } from './events.ts';
import type { Hold, Home, Update } from './home.ts';
import { Locks } from './locks.ts';
import { Resident } from './resident.ts';
import { elementsOf, keyOf, Session, type SessionSettings, type Variable } from './session.ts';
import type { BlobRef, Change, Completion, Draft, LogEntry, SessionRow, Store } from './store.ts';
import { checkQuota, Work } from './work.ts';

/** Entries of a log that are read at once. */
const PAGE = 1000;

/** Who asks: the parts of a request's context that sessions need. */
export interface Asker {
  readonly tenant: string;
  readonly signal: AbortSignal;
  /**
   * What says, with the commit of the request's work, that it was answered with `response`: the reply of a named request,
   * the end of an operation. Absent when nobody would ask again.
   */
  readonly complete?: ((response: unknown) => Completion) | undefined;
}

/** The sessions of a service. */
export class Sessions implements Home {
  readonly settings: SessionSettings;
  readonly #store: Store;
  readonly #gone: (tenant: string, id: string) => void;
  readonly #resident: Resident;
  /** Of sessions that are being changed. */
  readonly #locks = new Locks();
  /** Sessions on their way into memory. */
  readonly #loading = new Map<string, Promise<Session | undefined>>();

  /** `gone` hears of sessions that were deleted or have expired. */
  constructor(store: Store, settings: SessionSettings, gone: (tenant: string, id: string) => void) {
    this.#store = store;
    this.settings = settings;
    this.#gone = gone;
    this.#resident = new Resident(settings, (key) => this.#locks.has(key));
  }

  /** A new session; `fill` gives it its first content. */
  async create<R>({ tenant, complete }: Asker, ttl: number, fill: (work: Work) => R | Promise<R>): Promise<R> {
    const now = Date.now();
    const id = `ses_${randomBytes(16).toString('base64url')}`;
    const row: SessionRow = { tenant, id, createdAt: now, expiresAt: now + ttl, ttl, revision: 0 };
    const session = new Session(row);
    const work = new Work(session, this.settings);
    const response = await fill(work);
    const draft = work.draft();
    await this.#store.createSession(row, changeOf(draft, row.expiresAt, complete?.(response)), this.settings.perTenant);
    session.apply(draft, { ...row, revision: 1 });
    const key = keyOf(tenant, id);
    this.#resident.add(key, session);
    this.#resident.measure(key, session);
    return response;
  }

  /** What `look` sees of a session as its last commit left it. Renews its life. */
  async read<R>(tenant: string, id: string, look: (session: Session) => R): Promise<R> {
    const session = await this.#find(tenant, id);
    await this.#renew(session);
    return look(session);
  }

  /** Does something to a session that nobody else changes meanwhile, and commits it. */
  async change<R>(asker: Asker, id: string, run: (work: Work) => R | Promise<R>): Promise<R> {
    return this.#alone(asker, id, async (session) => {
      const work = new Work(session, this.settings);
      const response = await run(work);
      await this.#commit(asker, session, work.draft(), response);
      return response;
    });
  }

  since(tenant: string, id: string, revision: number | undefined): Promise<Update> {
    return this.read(tenant, id, (session) => session.since(revision));
  }

  /** A session that nobody else changes until it is released; `revision` is what the asker knows of it. */
  async hold(asker: Asker, id: string, revision: number | undefined): Promise<Hold> {
    const { session, unlock } = await this.#locked(asker, id);
    return {
      update: session.since(revision),
      commit: (draft, response) => this.#commit(asker, session, draft, response),
      release: unlock,
    };
  }

  async entries(
    tenant: string,
    id: string,
    log: string,
    from: number,
    revision: number,
  ): Promise<readonly LogEntry[] | undefined> {
    const entries = await this.#store.log(tenant, id, log, from, PAGE);
    for (;;) {
      const session = await this.#find(tenant, id);
      // What is being committed is in the store already, or is not.
      if (session.ahead) await session.ahead;
      else return (session.logs.get(log)?.begun ?? Number.POSITIVE_INFINITY) <= revision ? entries : undefined;
    }
  }

  blob(tenant: string, blob: BlobRef): Promise<Uint8Array> {
    return this.#store.blob(tenant, blob);
  }

  /** Commits what a request does, and makes it true here. */
  async #commit(asker: Asker, session: Session, draft: Draft, response: unknown): Promise<SessionRow> {
    const { tenant, id, ttl, revision } = session.row;
    checkQuota(session, draft, this.settings);
    const completion = response === undefined ? undefined : asker.complete?.(response);
    if (isEmpty(draft) && completion === undefined) await this.#renew(session);
    else {
      const expiresAt = Math.max(session.row.expiresAt, Date.now() + ttl);
      session.advance();
      try {
        await this.#store.commit(tenant, id, changeOf(draft, expiresAt, completion));
        session.apply(draft, { ...session.row, revision: revision + 1, expiresAt });
      } catch (reason) {
        // A disk that failed may have kept the change all the same: what the store holds is read again.
        this.#resident.forget(keyOf(tenant, id));
        throw reason;
      } finally {
        session.settle();
      }
      this.#resident.measure(keyOf(tenant, id), session);
    }
    return session.row;
  }

  /** Changes how long a session lives after its last use, in milliseconds, and renews it. */
  async keepAlive(asker: Asker, id: string, ttl: number | undefined): Promise<Session> {
    return this.#alone(asker, id, async (session) => {
      const life = ttl ?? session.row.ttl;
      const expiresAt = Date.now() + life;
      try {
        await this.#store.touch(asker.tenant, id, expiresAt, life);
      } catch (reason) {
        this.#resident.forget(keyOf(asker.tenant, id));
        throw reason;
      }
      session.row = { ...session.row, ttl: life, expiresAt };
      return session;
    });
  }

  /** Deletes a session with all that is its own, and answers with `response`; throws `not_found`. */
  async delete<R>(asker: Asker, id: string, response: R): Promise<R> {
    return this.#alone(asker, id, async () => {
      try {
        await this.#store.deleteSession(asker.tenant, id, asker.complete?.(response));
      } finally {
        this.#forget(asker.tenant, id);
      }
      return response;
    });
  }

  /** Sessions of a tenant by id, those after `after`. */
  async list(tenant: string, after: string, limit: number): Promise<readonly SessionRow[]> {
    const now = Date.now();
    const living: SessionRow[] = [];
    for (let last = after; ; ) {
      const missing = limit - living.length;
      const rows = await this.#store.sessions(tenant, last, missing);
      living.push(...rows.filter(({ expiresAt }) => expiresAt > now));
      if (rows.length < missing || living.length === limit) return living;
      last = (rows.at(-1) as SessionRow).id;
    }
  }

  /** The elements of a variable; those that were let go stay so, for nobody would count them. */
  async elements(tenant: string, { data, row }: Variable): Promise<TypedArray> {
    return data ?? elementsOf(boundOf(row), await this.#store.blob(tenant, row.value));
  }

  /** Removes what has expired. */
  async sweep(): Promise<void> {
    const now = Date.now();
    await this.#store.sweep(now);
    for (const { row } of this.#resident.expired(now)) this.#forget(row.tenant, row.id);
  }

  async #find(tenant: string, id: string): Promise<Session> {
    const key = keyOf(tenant, id);
    const session = this.#resident.use(key) ?? (await this.#loaded(key, tenant, id));
    if (session && session.row.expiresAt > Date.now()) return session;
    this.#resident.forget(key);
    throw new EngineError('not_found', `there is no session '${id.slice(0, 128)}'; it may have expired`);
  }

  /** A session read from the store, once for all who ask meanwhile; nobody changes it before it is there. */
  #loaded(key: string, tenant: string, id: string): Promise<Session | undefined> {
    const known = this.#loading.get(key);
    if (known) return known;
    const load = async (): Promise<Session | undefined> => {
      try {
        const session = await this.#load(tenant, id);
        if (session) this.#resident.add(key, session);
        return session;
      } finally {
        this.#loading.delete(key);
      }
    };
    const loading = load();
    this.#loading.set(key, loading);
    return loading;
  }

  async #load(tenant: string, id: string): Promise<Session | undefined> {
    const row = await this.#store.session(tenant, id);
    if (!row) return undefined;
    const session = new Session(row);
    for (const variable of await this.#store.variables(tenant, id)) session.put({ row: variable, data: undefined });
    for (const log of await this.#store.logs(tenant, id))
      for (let from = 0, isLast = false; !isLast; from += PAGE) {
        const entries = await this.#store.log(tenant, id, log, from, PAGE);
        for (const { json, blobs } of entries) session.enter(log, JSON.parse(json), blobs);
        isLast = entries.length < PAGE;
      }
    return session;
  }

  /** A life that was renewed a moment ago is not written again. */
  async #renew(session: Session): Promise<void> {
    const { tenant, id, ttl, expiresAt } = session.row;
    const renewed = Date.now() + ttl;
    if (renewed - expiresAt < ttl / 20) return;
    await this.#store.touch(tenant, id, renewed);
    session.row = { ...session.row, expiresAt: renewed };
  }

  /** A session when everybody who came before is done with it; throws when the asker has gone by then. */
  async #locked({ tenant, signal }: Asker, id: string): Promise<{ readonly session: Session; unlock(): void }> {
    const unlock = await this.#locks.take(keyOf(tenant, id));
    try {
      signal.throwIfAborted();
      return { session: await this.#find(tenant, id), unlock };
    } catch (reason) {
      unlock();
      throw reason;
    }
  }

  async #alone<R>(asker: Asker, id: string, run: (session: Session) => Promise<R>): Promise<R> {
    const { session, unlock } = await this.#locked(asker, id);
    try {
      return await run(session);
    } finally {
      unlock();
    }
  }

  #forget(tenant: string, id: string): void {
    this.#resident.forget(keyOf(tenant, id));
    this.#gone(tenant, id);
  }
}

function isEmpty({ variables, dropped, appended }: Draft): boolean {
  return variables.size === 0 && dropped.length === 0 && appended.length === 0;
}

function changeOf(draft: Draft, expiresAt: number, completion: Completion | undefined): Change {
  const blobs = new Map([...draft.blobs, ...(completion?.blobs ?? [])]);
  return { ...draft, expiresAt, ...completion, blobs };
}
