/**
 * @file Work that nobody holds a connection for. An operation is in the store before its client hears of it, waits for
 * its turn, runs beside few others, and is begun again when the process ended before it did.
 */
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import { EngineError } from '../../engine/errors.ts';
import { type Deadline, openDeadline, timeoutOf, untilAborted } from '../api/deadline.ts';
import type { Graphs } from '../api/graphs/graphs.ts';
import type { Method, Terms } from '../api/method.ts';
import { fromSnapshot, toSnapshot } from '../api/snapshot.ts';
import { toText } from '../api/text.ts';
import { validate } from '../api/validate.ts';
import type { Config } from '../config.ts';
import { type BlobRef, type Completion, digestOf, type OperationRow, type Store } from '../sessions/store.ts';
import { runToEnd } from './run.ts';

/** How often an operation is begun: what ended the process twice is not to end it a third time. */
const MAX_ATTEMPTS = 2;

/** Milliseconds between two writes of an operation's progress. */
const PROGRESS_INTERVAL = 1000;

/** The expiry of what has not ended. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** What operations are made of. */
export interface OperationsOptions {
  readonly store: Store;
  readonly config: Config;
  readonly methods: readonly Method[];
  readonly log: Logger;
  readonly graphs: Graphs;
  /** Has a method do a request: its response, a promise of it, or the messages of a stream. */
  perform(method: Method, request: unknown, terms: Terms): unknown;
}

/** An operation that has not ended. */
interface Live {
  row: OperationRow;
  readonly method: Method;
  /** Once it has begun. */
  deadline: Deadline | undefined;
  isCancelled: boolean;
  /** The row that was handed out to be written with the operation's own change. */
  completed: OperationRow | undefined;
  /** Resolves when the row changes, or the operation has ended. */
  changed: PromiseWithResolvers<void>;
  readonly ended: PromiseWithResolvers<void>;
}

/** What is written with an operation that is started. */
type Completer = (operation: OperationRow) => Completion | undefined;

/** The operations of all tenants. */
export class Operations {
  readonly #options: OperationsOptions;
  readonly #live = new Map<string, Live>();
  readonly #queue: Live[] = [];
  readonly #running = new Set<Live>();
  readonly #closing = new AbortController();
  /** One start at a time, so that quotas count what is just being started, and `resume` does not take it for unfinished. */
  #starting: Promise<unknown> = Promise.resolve();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /**
   * Keeps a request that its method takes, and begins it when its turn comes. What `complete` gives for the operation is
   * written with it: the reply to the request that started it.
   */
  start(
    tenant: string,
    method: Method,
    request: unknown,
    complete: Completer = () => undefined,
  ): Promise<OperationRow> {
    return this.#alone(() => this.#start(tenant, method, request, complete));
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#starting.then(work);
    this.#starting = done.catch(() => {});
    return done;
  }

  async #start(tenant: string, method: Method, request: unknown, complete: Completer): Promise<OperationRow> {
    const { ref, blobs } = blobOf(tenant, request);
    await this.#checkQuotas(tenant, ref.bytes);
    const createdAt = Date.now();
    const row: OperationRow = {
      tenant,
      // The time first, so that the order of ids is the order of starts.
      id: `op_${createdAt.toString(36).padStart(9, '0')}${randomBytes(16).toString('hex')}`,
      method: method.name,
      request: ref,
      state: 'running',
      progress: null,
      response: null,
      error: null,
      createdAt,
      expiresAt: NEVER,
      attempts: 0,
    };
    const completion = complete(row);
    await this.#options.store.putOperation(row, new Map([...blobs, ...(completion?.blobs ?? [])]), completion?.reply);
    this.#enqueue(row, method);
    return row;
  }

  async #checkQuotas(tenant: string, added: number): Promise<void> {
    const { store, config } = this.#options;
    const { queue, unfinishedPerTenant, perTenant, bytesPerTenant } = config.operations;
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    if (this.#queue.length >= queue)
      throw new EngineError('overloaded', `${this.#queue.length} operations are waiting already; try again later`);
    const unfinished = [...this.#live.values()].filter(({ row }) => row.tenant === tenant).length;
    if (unfinished >= unfinishedPerTenant)
      throw new EngineError('quota_exceeded', `there are ${unfinished} unfinished operations, and may be no more`);
    const kept = await store.operations(tenant, '', perTenant);
    if (kept.length >= perTenant)
      throw new EngineError('quota_exceeded', `there are ${kept.length} operations, and may be no more; delete some`);
    const bytes = kept.reduce((sum, { request, response }) => sum + request.bytes + (response?.bytes ?? 0), added);
    if (bytes > bytesPerTenant)
      throw new EngineError(
        'quota_exceeded',
        `operations would keep ${bytes} bytes of requests and responses, and may keep ${bytesPerTenant}; delete some`,
      );
  }

  /** Takes up what the last process left unfinished. */
  resume(): Promise<void> {
    return this.#alone(() => this.#resume());
  }

  async #resume(): Promise<void> {
    for (const row of await this.#options.store.unfinished()) {
      if (this.#live.has(row.id)) continue;
      try {
        this.#enqueue(row, this.#methodOf(row));
      } catch (reason) {
        await this.#write(this.#failed(row, reason, this.#options.log));
      }
    }
  }

  /** The method of an operation that may be begun again. */
  #methodOf(row: OperationRow): Method {
    if (row.attempts >= MAX_ATTEMPTS)
      throw new EngineError(
        'quarantined',
        `the service ended ${row.attempts} times while this operation ran, and does not begin it again`,
      );
    const method = this.#options.methods.find(({ name }) => name === row.method);
    if (method === undefined)
      throw new EngineError('unsupported', `this version of the service has no method '${row.method}'`);
    return method;
  }

  /** The operation as it is now; throws `not_found`. */
  async get(tenant: string, id: string): Promise<OperationRow> {
    const live = this.#live.get(id);
    const row = live?.row.tenant === tenant ? live.row : await this.#options.store.operation(tenant, id);
    if (row !== undefined && row.expiresAt > Date.now()) return row;
    throw new EngineError('not_found', `there is no operation '${id}'`);
  }

  /** At most `limit` operations of a tenant, oldest first, those after `after`. */
  async list(tenant: string, after: string, limit: number): Promise<readonly OperationRow[]> {
    const rows = await this.#options.store.operations(tenant, after, limit);
    return rows.map((row) => this.#live.get(row.id)?.row ?? row);
  }

  /** What a succeeded operation's method answered; of a stream, the last message. */
  async response({ tenant, response }: OperationRow): Promise<unknown> {
    return response === null ? undefined : fromSnapshot(await this.#options.store.blob(tenant, response));
  }

  /** The operation now and whenever it has changed, until it has ended. Who reads slowly sees fewer of its states. */
  async *watch(tenant: string, id: string, signal: AbortSignal): AsyncGenerator<OperationRow> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    for (;;) {
      const changed = this.#live.get(id)?.changed.promise;
      const row = await this.get(tenant, id);
      yield row;
      if (row.state !== 'running' || changed === undefined) return;
      await untilAborted(changed, either);
    }
  }

  /** Ends an operation that waits or runs, and resolves to it when it has ended. */
  async cancel(tenant: string, id: string, signal: AbortSignal): Promise<OperationRow> {
    const { state } = await this.get(tenant, id);
    const live = this.#live.get(id);
    if (state === 'running' && live !== undefined) {
      live.isCancelled = true;
      const place = this.#queue.indexOf(live);
      if (place >= 0) {
        this.#queue.splice(place, 1);
        await this.#settle(live, this.#options.log, () => this.#write(this.#cancelled(live.row)));
      } else {
        live.deadline?.end(new EngineError('cancelled', 'the operation was cancelled'));
        await untilAborted(live.ended.promise, signal);
      }
    }
    return this.get(tenant, id);
  }

  /** Cancels an operation and forgets it. */
  async delete(tenant: string, id: string, signal: AbortSignal): Promise<void> {
    await this.cancel(tenant, id, signal);
    this.#live.delete(id);
    await this.#options.store.deleteOperation(tenant, id);
  }

  /** Lets watchers go, and leaves what runs for another process to begin again. */
  async close(): Promise<void> {
    const reason = new EngineError('overloaded', 'the service is stopping');
    this.#closing.abort(reason);
    for (const { deadline } of this.#running) deadline?.end(reason);
    await Promise.all([...this.#running].map(({ ended }) => ended.promise));
  }

  #enqueue(row: OperationRow, method: Method): void {
    const live: Live = {
      row,
      method,
      deadline: undefined,
      isCancelled: false,
      completed: undefined,
      changed: Promise.withResolvers(),
      ended: Promise.withResolvers(),
    };
    this.#live.set(row.id, live);
    this.#queue.push(live);
    this.#beginNext();
  }

  /** Begins what waits while there is room, first that of the tenants who have the fewest running. */
  #beginNext(): void {
    if (this.#closing.signal.aborted) return;
    const runningOf = ({ row: { tenant } }: Live): number =>
      [...this.#running].filter(({ row }) => row.tenant === tenant).length;
    while (this.#running.size < this.#options.config.operations.atOnce && this.#queue.length > 0) {
      const next = this.#queue.reduce((a, b) => (runningOf(b) < runningOf(a) ? b : a));
      this.#queue.splice(this.#queue.indexOf(next), 1);
      this.#running.add(next);
      void this.#run(next);
    }
  }

  async #run(live: Live): Promise<void> {
    const log = this.#options.log.child({ operation: live.row.id });
    await this.#settle(live, log, async () => {
      for (;;)
        try {
          await this.#perform(live, log);
          return live.completed as OperationRow;
        } catch (reason) {
          // What an engine took along is begun again, as after a restart of the service: from its last commit.
          const isLost = reason instanceof EngineError && reason.code === 'engine_lost';
          if (!isLost || live.isCancelled || live.row.attempts >= MAX_ATTEMPTS)
            return await this.#endedBy(reason, live, log);
        }
    });
    this.#running.delete(live);
    this.#beginNext();
  }

  async #perform(live: Live, log: Logger): Promise<void> {
    const { store, config, perform, graphs } = this.#options;
    const { tenant } = live.row;
    // From the store, where many large ones wait at no cost, and as after a restart.
    const kept = fromSnapshot(await store.blob(tenant, live.row.request));
    const request = await graphs.resolve(tenant, validate(live.method, kept));
    const { options } = request as { readonly options?: { readonly timeout_ms?: number } };
    const { timeout } = config.operations;
    const deadline = openDeadline(timeoutOf([options?.timeout_ms], timeout, timeout));
    live.deadline = deadline;
    // Whoever ended it before now had no deadline to end.
    if (live.isCancelled || this.#closing.signal.aborted) deadline.end(new EngineError('cancelled', 'not begun'));
    try {
      deadline.checkpoint.check();
      this.#change(live, { attempts: live.row.attempts + 1 });
      await this.#write(live.row);
      deadline.checkpoint.check();
      const complete = (response: unknown): Completion => this.#complete(live, response);
      const afterwards: (() => void)[] = [];
      let writtenAt = Date.now();
      const terms: Terms = { tenant, log, deadline, afterwards, complete };
      await runToEnd(live.method, () => perform(live.method, request, terms), deadline.checkpoint, afterwards, {
        progress: async (message) => {
          this.#change(live, { progress: toText(message, 'flat') });
          // Others get a turn, and cancelling is heard.
          if (Date.now() - writtenAt < PROGRESS_INTERVAL) return setImmediate();
          writtenAt = Date.now();
          // With its change, the operation may just have become complete in the store.
          if (live.completed === undefined) await this.#write(live.row);
        },
        response: async (response) => {
          if ((await this.#known(live)) !== undefined) return;
          const { operation, blobs } = this.#complete(live, response);
          await store.putOperation(operation as OperationRow, blobs);
        },
      });
    } finally {
      deadline.close();
    }
  }

  #complete(live: Live, response: unknown): Completion {
    const { ref, blobs } = blobOf(live.row.tenant, response);
    const operation: OperationRow = { ...live.row, state: 'succeeded', response: ref, expiresAt: this.#expiry() };
    live.completed = operation;
    return { operation, blobs };
  }

  /** The row of an operation that was not completed, or whose work was done before something else failed. */
  async #endedBy(reason: unknown, live: Live, log: Logger): Promise<OperationRow> {
    const { row } = live;
    const known = await this.#known(live);
    if (known !== undefined) return known;
    if (live.isCancelled) return this.#write(this.#cancelled(row));
    // A stop is not the operation's fault: the attempt does not count.
    if (this.#closing.signal.aborted) return this.#write({ ...row, attempts: Math.max(0, row.attempts - 1) });
    return this.#write(this.#failed(row, reason, log));
  }

  /** The row that a commit of the operation's own has written, if one has. */
  async #known({ row: { tenant, id }, completed }: Live): Promise<OperationRow | undefined> {
    const known = completed && (await this.#options.store.operation(tenant, id));
    return known?.state === 'succeeded' ? known : undefined;
  }

  /** Takes the row that `end` gives as the operation's last; never rejects. */
  async #settle(live: Live, log: Logger, end: () => Promise<OperationRow>): Promise<void> {
    try {
      live.row = await end();
      this.#live.delete(live.row.id);
      log.info({ method: live.row.method, state: live.row.state }, 'operation ended');
    } catch (err) {
      // Its row stays in memory, where clients see the end of it; after a restart it is begun again.
      log.error({ err }, 'the end of an operation could not be written');
      live.row = this.#failed(live.row, err, log);
    }
    live.ended.resolve();
    live.changed.resolve();
  }

  #change(live: Live, change: Partial<OperationRow>): void {
    live.row = { ...live.row, ...change };
    const { changed } = live;
    live.changed = Promise.withResolvers();
    changed.resolve();
  }

  async #write(row: OperationRow): Promise<OperationRow> {
    await this.#options.store.putOperation(row, new Map());
    return row;
  }

  #cancelled(row: OperationRow): OperationRow {
    return { ...row, state: 'cancelled', expiresAt: this.#expiry() };
  }

  #failed(row: OperationRow, reason: unknown, log: Logger): OperationRow {
    const error = EngineError.from(reason);
    if (error.code === 'internal') log.error({ err: error.cause ?? error, operation: row.id }, 'failed');
    const { code, message, where, violations } = error;
    const json = JSON.stringify({ code, message, where, violations });
    return { ...row, state: 'failed', error: json, expiresAt: this.#expiry() };
  }

  #expiry(): number {
    return Date.now() + this.#options.config.operations.ttl;
  }
}

/** A tree as the blob that is kept of it. */
function blobOf(tenant: string, tree: unknown): { ref: BlobRef; blobs: Map<string, Uint8Array> } {
  const bytes = toSnapshot(tree);
  const digest = digestOf(tenant, bytes);
  return { ref: { digest, bytes: bytes.length }, blobs: new Map([[digest, bytes]]) };
}
