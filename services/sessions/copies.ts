/**
 * @file Copies of sessions, where an engine is: their variables, and their tapes with what was computed for them. Before
 * a copy is used it is brought up to date from home, so that one that is behind or missing costs time and nothing else.
 */
import type { Engine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import type { TypedArray } from '../../engine/types.ts';
import { boundOf, type TapeEvent } from './events.ts';
import type { Hold, Home, LogState, Update } from './home.ts';
import { Locks } from './locks.ts';
import { Nest } from './nest.ts';
import { Resident } from './resident.ts';
import { elementsOf, keyOf, Session, type SessionSettings, type Variable } from './session.ts';
import { Work } from './work.ts';

/** Who changes a session: the parts of a request's context that copies need. */
export interface Changer {
  readonly tenant: string;
  /** Has a session from home that nobody else changes; `revision` is what is known of it here. */
  hold(session: string, revision: number | undefined): Promise<Hold>;
}

/** The copies that an engine has. */
export class SessionCopies {
  readonly settings: SessionSettings;
  readonly #engine: Engine;
  readonly #home: Home;
  readonly #during: <T>(wait: Promise<T>) => Promise<T>;
  readonly #resident: Resident;
  /** Of copies that are being brought up to date. */
  readonly #locks = new Locks();
  /** Copies that a request is changing. */
  readonly #changing = new Set<string>();

  /** `during` waits for what another request here is to do first, where that request can go on meanwhile. */
  constructor(
    engine: Engine,
    home: Home,
    settings: SessionSettings,
    during: <T>(wait: Promise<T>) => Promise<T> = (wait) => wait,
  ) {
    this.#during = during;
    this.#engine = engine;
    this.#home = home;
    this.settings = settings;
    this.#resident = new Resident(settings, (key) => this.#changing.has(key) || this.#locks.has(key));
  }

  /** What `look` sees of a session as a commit left it, the last one before now or a later one. Renews its life. */
  async read<R>(tenant: string, id: string, look: (session: Session) => R): Promise<R> {
    return this.#look(tenant, id, await this.#home.since(tenant, id, this.#revisionOf(tenant, id)), look);
  }

  /** Does something to a session that nobody else changes meanwhile, and commits it. */
  async change<R>(changer: Changer, id: string, run: (work: Work) => R | Promise<R>): Promise<R> {
    const { tenant } = changer;
    const key = keyOf(tenant, id);
    const hold = await changer.hold(id, this.#revisionOf(tenant, id));
    try {
      const session = await this.#look(tenant, id, hold.update, (copy) => {
        this.#changing.add(key);
        return copy;
      });
      const work = new Work(session, this.settings);
      try {
        const response = await run(work);
        const draft = work.draft();
        session.advance();
        session.apply(draft, await hold.commit(draft, response));
        return response;
      } catch (reason) {
        // Its tapes have changed already, or what has become of the commit is not known.
        if (session.ahead) this.#resident.forget(key);
        throw reason;
      } finally {
        session.settle();
        this.#changing.delete(key);
        this.#resident.measure(key, session);
      }
    } finally {
      hold.release();
    }
  }

  /** The elements of a variable; those that were let go stay so, for nobody would count them. */
  async elements(tenant: string, { data, row }: Variable): Promise<TypedArray> {
    return data ?? elementsOf(boundOf(row), await this.#home.blob(tenant, row.value));
  }

  /** An empty recording with no tape yet. */
  nest(tenant: string): Nest {
    return new Nest(this.#engine, {
      elements: async (bound) => elementsOf(bound, await this.#home.blob(tenant, bound.blob)),
      json: async (blob) => JSON.parse(Buffer.from(await this.#home.blob(tenant, blob)).toString()),
    });
  }

  /** Throws when a session has as many tapes as it may. */
  checkTapes(session: Session): void {
    if (session.openTapes < this.settings.tapes) return;
    throw new EngineError('quota_exceeded', `the session has ${this.settings.tapes} tapes already; delete some`);
  }

  /** Lets go of the copy of a session. */
  forget(tenant: string, id: string): void {
    this.#resident.forget(keyOf(tenant, id));
  }

  #revisionOf(tenant: string, id: string): number | undefined {
    return this.#resident.get(keyOf(tenant, id))?.row.revision;
  }

  /** What `look` sees of a copy that has the update, or is past it. */
  async #look<R>(tenant: string, id: string, update: Update, look: (session: Session) => R): Promise<R> {
    const key = keyOf(tenant, id);
    const unlock = await (this.#locks.has(key) ? this.#during(this.#locks.take(key)) : this.#locks.take(key));
    try {
      for (let known = update; ; ) {
        const copy = this.#resident.use(key);
        if (copy?.ahead) await this.#during(copy.ahead);
        else if (copy && copy.row.revision >= known.row.revision) return look(copy);
        // Where the copy has been forgotten, or home has gone on meanwhile.
        else if (!(await this.#bring(key, copy, known))) known = await this.#home.since(tenant, id, undefined);
      }
    } finally {
      unlock();
    }
  }

  /** Brings a copy up to date, or makes one; whether that could be done with this update. */
  async #bring(key: string, known: Session | undefined, update: Update): Promise<boolean> {
    const { row, since } = update;
    if (since !== undefined && !(known && known.row.revision >= since)) return false;
    const copy = known ?? new Session({ ...row, revision: 0 });
    // It is not what it was and not yet what it is to be: should this fail, nobody is to find it.
    this.#resident.forget(key);
    for (const state of update.logs) if (!(await this.#follow(copy, state, row.revision))) return false;
    if (since === undefined) dropMissing(copy, update);
    for (const { row: written, data } of update.variables)
      if (copy.variables.get(written.name)?.row.version !== written.version) copy.put({ row: written, data });
    copy.row = row;
    this.#resident.add(key, copy);
    this.#resident.measure(key, copy);
    return true;
  }

  /** Reads what a log has that the copy has not; whether it is still there as it was at the revision. */
  async #follow(copy: Session, { log, begun, entries }: LogState, revision: number): Promise<boolean> {
    const { tenant, id } = copy.row;
    if (begun > copy.row.revision) drop(copy, log);
    for (let from = copy.logs.get(log)?.entries ?? 0; from < entries; ) {
      const read = await this.#home.entries(tenant, id, log, from, revision);
      if (!read || read.length === 0) return false;
      for (const { json, blobs } of read.slice(0, entries - from)) {
        const event = JSON.parse(json) as TapeEvent;
        await this.#replay(copy, log, event);
        copy.enter(log, event, blobs);
      }
      from += read.length;
    }
    return true;
  }

  async #replay(copy: Session, log: string, event: TapeEvent): Promise<void> {
    if (copy.unreadable.has(log)) return;
    const nest = copy.nests.get(log) ?? this.nest(copy.row.tenant);
    try {
      (await nest.stage(event)).apply();
      copy.nests.set(log, nest);
    } catch (reason) {
      // The other tapes and the variables are not to suffer for it.
      if (!(reason instanceof EngineError) || reason.code === 'internal') throw reason;
      copy.nests.delete(log);
      copy.unreadable.set(log, reason);
    }
  }
}

/** Drops what an update that has all of a session does not have. */
function dropMissing(copy: Session, { variables, logs }: Update): void {
  const names = new Set(variables.map(({ row }) => row.name));
  const kept = new Set(logs.map(({ log }) => log));
  for (const name of [...copy.variables.keys()]) if (!names.has(name)) copy.remove(name);
  for (const log of [...copy.logs.keys()]) if (!kept.has(log)) drop(copy, log);
}

function drop(copy: Session, log: string): void {
  copy.drop(log);
  copy.nests.delete(log);
  copy.unreadable.delete(log);
}
