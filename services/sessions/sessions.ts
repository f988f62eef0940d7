/** @file Sessions: found, locked, changed and committed one request at a time. */
import { randomBytes } from 'node:crypto';
import type { Engine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { sizeOf, type TypedArray, viewArray } from '../../engine/types.ts';
import type { Bound, TapeEvent } from './events.ts';
import { Nest } from './nest.ts';
import { Session, type Variable } from './session.ts';
import type { Change, Completion, LogEntry, SessionRow, Store, VariableRow } from './store.ts';
import { Work } from './work.ts';

/** The bounds of sessions. */
export interface SessionSettings {
  /** Sessions of one tenant. */
  readonly perTenant: number;
  /** Tapes of one session. */
  readonly tapes: number;
  /** Events on record of one tape, with those within it. */
  readonly events: number;
  /** Bytes that one session may keep. */
  readonly quota: number;
  /** Bytes of values kept in memory beside the store, for all sessions together. */
  readonly memory: number;
  /** Sessions kept in memory beside the store. */
  readonly resident: number;
}

/** Who asks: the parts of a request's context that sessions need. */
export interface Asker {
  readonly tenant: string;
  readonly signal: AbortSignal;
  complete?(response: unknown): Completion;
}

/** The sessions of a service. */
export class Sessions {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly settings: SessionSettings;
  /** In the order of their last use. */
  readonly #live = new Map<string, Session>();
  /** The last request that waits for a session or has it. */
  readonly #queues = new Map<string, Promise<void>>();
  /** Sessions on their way into memory. */
  readonly #loading = new Map<string, Promise<Session | undefined>>();
  /** Bytes of values in memory. */
  #resident = 0;

  constructor(engine: Engine, store: Store, settings: SessionSettings) {
    this.#engine = engine;
    this.#store = store;
    this.settings = settings;
  }

  /** A new session; `fill` gives it its first content. */
  async create<R>({ tenant, complete }: Asker, ttl: number, fill: (work: Work) => R | Promise<R>): Promise<R> {
    const now = Date.now();
    const id = `ses_${randomBytes(16).toString('base64url')}`;
    const row: SessionRow = { tenant, id, createdAt: now, expiresAt: now + ttl, ttl, revision: 0 };
    const session = new Session(row);
    const work = new Work(session, this.settings);
    const response = await fill(work);
    const change = withCompletion(work.change(row.expiresAt), complete?.(response));
    await this.#store.createSession(row, change, this.settings.perTenant);
    work.apply(row.expiresAt);
    this.#live.set(keyOf(tenant, id), session);
    this.#measure(session);
    return response;
  }

  /** What `look` sees of a session as its last commit left it. Renews its life. */
  async read<R>(tenant: string, id: string, look: (session: Session) => R): Promise<R> {
    for (;;) {
      const session = await this.#find(tenant, id);
      await this.#renew(session);
      if (!session.ahead) return look(session);
      await session.ahead;
    }
  }

  /** Does something to a session that nobody else changes meanwhile, and commits it. */
  async change<R>(asker: Asker, id: string, run: (work: Work) => R | Promise<R>): Promise<R> {
    const key = keyOf(asker.tenant, id);
    return this.#alone(key, asker.signal, async () => {
      const session = await this.#find(asker.tenant, id);
      const work = new Work(session, this.settings);
      try {
        const response = await run(work);
        await this.#commit(asker, session, work, response);
        return response;
      } catch (reason) {
        if (work.isAhead) this.#forget(key);
        throw reason;
      } finally {
        work.end();
        this.#measure(session);
      }
    });
  }

  async #commit({ tenant, complete }: Asker, session: Session, work: Work, response: unknown): Promise<void> {
    const completion = complete?.(response);
    if (work.isEmpty && completion === undefined) return this.#renew(session);
    const expiresAt = Math.max(session.row.expiresAt, Date.now() + session.row.ttl);
    const change = withCompletion(work.change(expiresAt), completion);
    // A disk that failed may have kept the change all the same: what the store holds is read again then.
    work.isAhead = true;
    await this.#store.commit(tenant, session.row.id, change);
    work.apply(expiresAt);
  }

  /** Changes how long a session lives after its last use, in milliseconds, and renews it. */
  async keepAlive(asker: Asker, id: string, ttl: number | undefined): Promise<Session> {
    const key = keyOf(asker.tenant, id);
    return this.#alone(key, asker.signal, async () => {
      const session = await this.#find(asker.tenant, id);
      const life = ttl ?? session.row.ttl;
      const expiresAt = Date.now() + life;
      try {
        await this.#store.touch(asker.tenant, id, expiresAt, life);
      } catch (reason) {
        this.#forget(key);
        throw reason;
      }
      session.row = { ...session.row, ttl: life, expiresAt };
      return session;
    });
  }

  /** Deletes a session with all that is its own, and answers with `response`; throws `not_found`. */
  async delete<R>(asker: Asker, id: string, response: R): Promise<R> {
    const key = keyOf(asker.tenant, id);
    return this.#alone(key, asker.signal, async () => {
      await this.#find(asker.tenant, id);
      try {
        await this.#store.deleteSession(asker.tenant, id, asker.complete?.(response));
      } finally {
        this.#forget(key);
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
    return data ?? this.#elements(tenant, boundOf(row));
  }

  /** Removes what has expired. */
  async sweep(): Promise<void> {
    const now = Date.now();
    await this.#store.sweep(now);
    for (const [key, { row }] of this.#live) if (row.expiresAt <= now) this.#forget(key);
  }

  async #find(tenant: string, id: string): Promise<Session> {
    const key = keyOf(tenant, id);
    const session = this.#live.get(key) ?? (await this.#loaded(key, tenant, id));
    if (!session || session.row.expiresAt <= Date.now()) {
      this.#forget(key);
      throw new EngineError('not_found', `there is no session '${id.slice(0, 128)}'; it may have expired`);
    }
    // One that was let go or deleted since does not come back.
    if (this.#live.get(key) === session) {
      this.#live.delete(key);
      this.#live.set(key, session);
    }
    return session;
  }

  /** A session read from the store, once for all who ask meanwhile; nobody changes it before it is there. */
  #loaded(key: string, tenant: string, id: string): Promise<Session | undefined> {
    const known = this.#loading.get(key);
    if (known) return known;
    const load = async (): Promise<Session | undefined> => {
      try {
        const session = await this.#load(tenant, id);
        if (session) this.#live.set(key, session);
        this.#trim();
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
    for (const variable of await this.#store.variables(tenant, id)) {
      session.variables.set(variable.name, { row: variable, data: undefined });
      session.count([variable.value], 1);
    }
    for (const log of await this.#store.logs(tenant, id)) {
      const entries = await this.#store.log(tenant, id, log);
      for (const { blobs } of entries) session.countEntry(log, blobs);
      try {
        session.nests.set(log, await this.#replay(tenant, entries));
      } catch (reason) {
        // The other tapes and the variables are not to suffer for it.
        if (!(reason instanceof EngineError) || reason.code === 'internal') throw reason;
        session.unreadable.set(log, reason);
      }
    }
    return session;
  }

  async #replay(tenant: string, entries: readonly LogEntry[]): Promise<Nest> {
    const nest = this.nest(tenant);
    for (const { json } of entries) (await nest.stage(JSON.parse(json) as TapeEvent)).apply();
    return nest;
  }

  /** Throws when a session has as many tapes as it may. */
  checkTapes(session: Session): void {
    if (session.tapes().length < this.settings.tapes) return;
    throw new EngineError('quota_exceeded', `the session has ${this.settings.tapes} tapes already; delete some`);
  }

  /** An empty recording with no tape yet. */
  nest(tenant: string): Nest {
    return new Nest(this.#engine, {
      elements: (bound) => this.#elements(tenant, bound),
      json: async (blob) => JSON.parse(Buffer.from(await this.#store.blob(tenant, blob)).toString()),
    });
  }

  async #elements(tenant: string, { dtype, shape, blob }: Bound): Promise<TypedArray> {
    const bytes = await this.#store.blob(tenant, blob);
    const aligned = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
    return viewArray(dtype, aligned.buffer, aligned.byteOffset, sizeOf(shape));
  }

  /** A life that was renewed a moment ago is not written again. */
  async #renew(session: Session): Promise<void> {
    const { tenant, id, ttl, expiresAt } = session.row;
    const renewed = Date.now() + ttl;
    if (renewed - expiresAt < ttl / 20) return;
    await this.#store.touch(tenant, id, renewed);
    session.row = { ...session.row, expiresAt: renewed };
  }

  /** Runs when everybody who came before is done; gives up its place when the caller has gone. */
  async #alone<R>(key: string, signal: AbortSignal, run: () => Promise<R>): Promise<R> {
    const before = this.#queues.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    const mine = before ? before.then(() => promise) : promise;
    this.#queues.set(key, mine);
    try {
      await before;
      signal.throwIfAborted();
      return await run();
    } finally {
      resolve();
      if (this.#queues.get(key) === mine) this.#queues.delete(key);
    }
  }

  /** Counts what a session holds when a request is done with it. */
  #measure(session: Session): void {
    const key = keyOf(session.row.tenant, session.row.id);
    if (this.#live.get(key) !== session) return;
    this.#resident -= session.resident;
    session.measure();
    this.#resident += session.resident;
    this.#trim(key);
  }

  /**
   * Lets go of the sessions that were used longest ago until both bounds are kept, not of those that somebody is at work
   * on; of `done`, the last, only of its values.
   */
  #trim(done?: string): void {
    for (const [key, other] of this.#live) {
      const isOver = this.#resident > this.settings.memory;
      const isMany = this.#live.size > this.settings.resident;
      if (!isOver && !isMany) break;
      if (this.#queues.has(key) && key !== done) continue;
      if (isMany || key !== done) this.#forget(key);
      else {
        this.#resident -= other.resident;
        other.evict();
        this.#resident += other.resident;
      }
    }
  }

  #forget(key: string): void {
    this.#resident -= this.#live.get(key)?.resident ?? 0;
    this.#live.delete(key);
  }
}

function keyOf(tenant: string, id: string): string {
  return `${tenant}\0${id}`;
}

function boundOf({ dtype, shape, value }: VariableRow): Bound {
  return { dtype: dtype as Bound['dtype'], shape, blob: value };
}

function withCompletion(change: Change, completion: Completion | undefined): Change {
  return completion ? { ...change, ...completion, blobs: new Map([...change.blobs, ...completion.blobs]) } : change;
}
