/**
 * @file The pool: requests for engines on their way to workers and back, and what becomes of them when a worker ends. A
 * job whose worker ended is begun once more elsewhere; what was computed when workers ended twice is computed no more.
 */
import type { Logger } from 'pino';
import { EngineError } from '../../engine/errors.ts';
import { type EngineMethod, isStream, type Terms } from '../api/method.ts';
import type { Config } from '../config.ts';
import { discard } from '../memory.ts';
import type { Hold, Update } from '../sessions/home.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Draft } from '../sessions/store.ts';
import { homeOf } from './affinity.ts';
import { PLACES } from './board.ts';
import { Costs, nameOf, subjectOf } from './costs.ts';
import { type Device, deviceOf, noGpu } from './devices.ts';
import type { Engines } from './engines.ts';
import { Fleet, type Slot } from './fleet.ts';
import { giveBack, isLent } from './lent.ts';
import type { WorkerProcess } from './process.ts';
import { fromFault, type JobMessage, type Question, toFault } from './protocol.ts';
import { Quarantine } from './quarantine.ts';
import { Queue } from './queue.ts';
import { openFolder } from './segments.ts';
import { Task } from './task.ts';

/** Milliseconds of jobs that are sent to a worker before it is done with the one before. */
const AHEAD = 2;

/** Streams that one worker is at, in turns. */
const MAX_STREAMS = 4;

/** Bytes of a variable that are sent to a worker before it asks. */
const SLIM_BYTES = 4096;

/** How often a job is given to a worker in all, when workers end that computed something else. */
const MAX_TRIES = 4;

/** Bytes of a body that is looked at first: it may hold something tiny, which needs no worker, and is read quickly. */
const MAX_TINY_BYTES = 4096;

/** What a pool is made of. */
export interface PoolOptions {
  readonly config: Config;
  readonly log: Logger;
  /** An engine in this process for what costs less than the way to another one; its limits refuse all else. */
  readonly tiny: Engines;
}

/** Engines in processes of their own. */
export class Pool implements Engines {
  readonly quarantine = new Quarantine();
  readonly #config: Config;
  readonly #tiny: Engines;
  readonly #queue: Queue<Task>;
  readonly #costs = new Costs();
  readonly #fleet: Fleet;
  /** How many jobs wait for their sessions. */
  #holding = 0;
  #sessions: Sessions | undefined;

  private constructor(folder: string, { config, log, tiny }: PoolOptions) {
    this.#config = config;
    this.#tiny = tiny;
    this.#queue = new Queue(config.queue);
    this.#fleet = new Fleet(folder, config, log, {
      ready: () => this.#dispatch(),
      heard: (slot, message, block) => this.#heard(slot, message, block),
      ended: (slot, worker, why, running) => this.#hasEnded(slot, worker, why, running),
    });
  }

  /** Starts the workers; resolves when they can be given work. Throws `ConfigError` when they never can as it is wanted. */
  static async open(options: PoolOptions): Promise<Pool> {
    const pool = new Pool(await openFolder(), options);
    await pool.#fleet.up();
    return pool;
  }

  /** Serves the requests of a service, whose sessions are here. */
  serve(sessions: Sessions): Engines {
    this.#sessions = sessions;
    return this;
  }

  get isReady(): boolean {
    return this.#fleet.isReady;
  }

  devices(): readonly Device[] {
    return this.#fleet.devices();
  }

  admit({ path }: EngineMethod, tenant: string, bytes: number): void {
    // What is asked of a session waits for that first, and may have been done before.
    if (path.includes('{session}') || (this.#config.inlineFlops > 0 && bytes <= MAX_TINY_BYTES)) return;
    const refusal = this.#queue.refusal(tenant, this.#retryAfter);
    if (refusal !== undefined) throw refusal;
  }

  perform(method: EngineMethod, request: unknown, terms: Terms): unknown {
    const subject = subjectOf(request);
    const name = nameOf(method.name, subject, request);
    const task = (): Task => this.#begin(method, request, terms, subject, name);
    if (isStream(method)) return this.#stream(task);
    const isTiny = this.#config.inlineFlops > 0 && deviceOf(request) !== 'gpu' && !('session' in (request as object));
    if (isTiny && this.#costs.isTiny(name)) return this.#performHere(method, request, terms, name, task);
    return this.#call(task());
  }

  forget(tenant: string, session: string): void {
    for (const worker of this.#fleet.workers()) worker.send({ type: 'forget', tenant, session });
  }

  /** Ends the workers. What they compute is lost. */
  close(): Promise<void> {
    return this.#fleet.close();
  }

  /** Tries a job in this process; what is refused here is for a worker to answer, with the limits that count. */
  async #performHere(
    method: EngineMethod,
    request: unknown,
    terms: Terms,
    name: string,
    task: () => Task,
  ): Promise<unknown> {
    try {
      return await this.#tiny.perform(method, request, terms);
    } catch (reason) {
      if (terms.deadline.signal.aborted) throw reason;
      const { code } = EngineError.from(reason);
      if (code === 'limit_exceeded' || code === 'cost_exceeded') this.#costs.enlarge(name);
      return this.#call(task());
    }
  }

  async #call(task: Task): Promise<unknown> {
    try {
      const event = await task.next();
      return 'response' in event ? event.response : undefined;
    } finally {
      this.#isUnwanted(task);
    }
  }

  async *#stream(begin: () => Task): AsyncGenerator<unknown> {
    const task = begin();
    try {
      for (;;) {
        const event = await task.next();
        if ('response' in event) return;
        yield event.message;
        const { at } = task;
        at?.slot.worker?.send({ type: 'next', place: at.place });
      }
    } finally {
      this.#isUnwanted(task);
    }
  }

  #begin(method: EngineMethod, request: unknown, terms: Terms, subject: string, name: string): Task {
    const { signal } = terms.deadline;
    signal.throwIfAborted();
    const asked = deviceOf(request);
    const { gpu, noGpu: why, cpus } = this.#fleet;
    if (asked === 'gpu' && !gpu) throw noGpu(why);
    const isForGpu =
      gpu && asked === 'auto' && this.#costs.deviceOf(name) === 'gpu' && !this.quarantine.has('gpu', subject);
    const device = asked === 'gpu' || isForGpu ? 'gpu' : 'cpu';
    this.quarantine.check(device, subject);
    const { session } = request as { readonly session?: string };
    const task = new Task(method, request, terms, {
      subject,
      name,
      asked,
      device,
      home: homeOf(session ?? subject, cpus.length),
      isBound: session !== undefined,
      cost: this.#costs.of(name),
      isStackable: this.#config.batch.windowMicroseconds > 0 && this.#costs.isStackable(name),
    });
    signal.addEventListener('abort', () => this.#isUnwanted(task), { once: true });
    if (session !== undefined && method.changes && !isStream(method)) void this.#beginHeld(task, session);
    else {
      this.#wait(task);
      this.#dispatch();
    }
    return task;
  }

  /** Has a job wait for its session first, so that it holds up no worker while others change that. */
  async #beginHeld(task: Task, session: string): Promise<void> {
    try {
      if (this.#holding >= this.#config.queue)
        throw new EngineError('overloaded', `${this.#holding} requests wait for their sessions already`);
      this.#holding++;
      try {
        const { worker } = this.#fleet.cpus[task.home] as Slot;
        await this.#hold(task, session, worker?.revisionOf(task.tenant, session));
      } finally {
        this.#holding--;
      }
      if (task.hasEnded) task.release();
      else this.#wait(task);
      this.#dispatch();
    } catch (reason) {
      task.release();
      task.fail(EngineError.from(reason));
    }
  }

  async #hold(task: Task, session: string, revision: number | undefined): Promise<void> {
    const { tenant, deadline, complete } = task.terms;
    const asker = { tenant, signal: deadline.signal, complete };
    task.hold = await (this.#sessions as Sessions).hold(asker, session, revision);
  }

  /** Seconds until most of what waits is done. */
  get #retryAfter(): number {
    return Math.min(60, Math.max(1, Math.ceil(this.#queue.cost / 1000 / this.#config.workers)));
  }

  /** Has a job wait for a worker, maybe in the place of another one. */
  #wait(task: Task): void {
    const seconds = this.#retryAfter;
    const dropped = this.#queue.push(task, seconds);
    const detail = 'others sent requests, and most of those that wait are yours; send fewer at once';
    dropped?.release();
    dropped?.fail(new EngineError('rate_limited', detail, {}, [], seconds));
  }

  /** Nobody waits for a job any more: it has ended, or its client has gone, or its time is over. */
  #isUnwanted(task: Task): void {
    if (task.hasEnded) return;
    const { signal } = task.terms.deadline;
    const reason = signal.aborted
      ? EngineError.from(signal.reason)
      : new EngineError('cancelled', 'nobody waits for the answer any more');
    const worker = task.at?.slot.worker;
    if (!task.at || !worker) {
      this.#queue.remove(task);
      task.release();
      task.fail(reason);
      return;
    }
    worker.board.flag(task.at.place, true);
    worker.send({ type: 'cancel', place: task.at.place, fault: toFault(reason) });
    this.#killAfterGrace(task, worker, reason);
  }

  /** Ends a worker that computes what nobody wants, when it has not heard of that after a time of grace. */
  #killAfterGrace(task: Task, worker: WorkerProcess, reason: EngineError): void {
    const { grace } = this.#config;
    setTimeout(() => {
      if (task.hasEnded || task.at?.slot.worker !== worker) return;
      // One that waits behind another is skipped when its turn comes.
      if (worker.board.running === task.at.place) worker.kill(`it went on ${grace} ms after: ${reason.message}`);
      else this.#killAfterGrace(task, worker, reason);
    }, grace).unref();
  }

  /** Gives workers what waits, as far as they have room. */
  #dispatch(): void {
    for (let isDone = false; !isDone; ) {
      isDone = true;
      for (const slot of this.#fleet.slots()) {
        if (this.#queue.length === 0) return;
        if (!slot.worker?.isReady || slot.tasks.size === PLACES) continue;
        const load = loadOf(slot);
        const hasRoom = (one: Task): boolean =>
          load === 0 || load + one.cost <= AHEAD || isStream(one.method) || this.#isAwaited(one, slot);
        const task = this.#queue.take((one) => this.#mayRun(one, slot), hasRoom);
        if (task === undefined) continue;
        this.#give(task, slot, slot.worker);
        isDone = false;
      }
    }
  }

  /** Whether a job may run in a slot: at home, or elsewhere when it is not bound and home is busy. Streams are few. */
  #mayRun(task: Task, slot: Slot): boolean {
    const { cpus, gpu } = this.#fleet;
    if (isStream(task.method) && !takesStream(slot)) return false;
    if (task.device === 'gpu') {
      if (slot.device === 'gpu') return true;
      // While the gpu starts again, the processor does what need not wait for it.
      return task.asked === 'auto' && !gpu?.worker?.isReady;
    }
    if (slot.device === 'gpu') return false;
    const home = cpus[task.home] as Slot;
    if (slot === home || !home.worker?.isReady) return true;
    return !task.isBound && home.tasks.size > 0 && !this.#isAwaited(task, home);
  }

  /** Whether a slot has some of the batch that a job belongs to, and room for it there. */
  #isAwaited({ isStackable, name }: Task, { tasks }: Slot): boolean {
    if (!isStackable) return false;
    let others = 0;
    for (const task of tasks.values()) if (task.name === name) others++;
    return others > 0 && others < this.#config.batch.size;
  }

  #give(task: Task, slot: Slot, worker: WorkerProcess): void {
    const place = worker.place();
    const { request, terms, method, asked, isSettled } = task;
    task.tries++;
    task.at = { slot, place };
    slot.tasks.set(place, task);
    worker.send({
      type: 'run',
      place,
      method: method.name,
      request,
      tenant: terms.tenant,
      device: asked,
      isSettled: isSettled || (task.device === 'gpu' && slot.device === 'cpu'),
      labels: terms.log.bindings(),
      update: task.hold && seenBy(worker, task, task.hold.update),
      left: terms.deadline.checkpoint.left(),
    });
  }

  #heard(slot: Slot, message: JobMessage, block: ArrayBuffer): void {
    const task = slot.tasks.get(message.place);
    if (task === undefined) return;
    switch (message.type) {
      case 'answered':
        this.#done(task, message.busy);
        if (message.isStackable !== undefined) this.#costs.stack(task.name, message.isStackable);
        if (task.deaths > 0) this.quarantine.absolve(slot.device, task.subject);
        task.terms.afterwards.push(() => discard(block));
        task.answer(message.isCommitted ? task.committed?.response : message.response);
        if (isLent(task.method, task.request)) giveBack(task.request);
        break;
      case 'failed':
        this.#done(task, message.busy);
        task.fail(fromFault(message.fault));
        break;
      case 'moved':
        this.#done(task, message.busy);
        this.#move(task, message.device);
        break;
      case 'message':
        task.terms.afterwards.push(() => discard(block));
        task.deliver(message.message);
        break;
      case 'release':
        task.release();
        break;
      case 'ask':
        void this.#answer(slot.worker as WorkerProcess, task, message.call, message.question);
        break;
      default:
        message satisfies never;
    }
    this.#dispatch();
  }

  /** A worker is done with a job, whatever came of it. */
  #done(task: Task, busy: number): void {
    const { slot, place } = task.at as NonNullable<Task['at']>;
    slot.tasks.delete(place);
    slot.worker?.leave(place);
    task.at = undefined;
    task.release();
    this.#queue.settle(task.tenant, busy - task.cost);
    this.#costs.learn(task.name, busy);
  }

  /** A job is for another device, this time and as a rule. */
  #move(task: Task, device: 'cpu' | 'gpu'): void {
    this.#costs.place(task.name, device);
    task.device = device;
    task.isSettled = true;
    this.#orFail(task, () => this.#wait(task));
  }

  #orFail(task: Task, run: () => void): void {
    try {
      run();
    } catch (reason) {
      task.fail(EngineError.from(reason));
    }
  }

  async #answer(worker: WorkerProcess, task: Task, call: number, question: Question): Promise<void> {
    try {
      worker.send({ type: 'reply', call, value: await this.#ask(worker, task, question) });
    } catch (reason) {
      const error = EngineError.from(reason);
      if (error.code === 'internal') task.terms.log.error({ err: error.cause ?? error }, 'failed');
      worker.send({ type: 'refuse', call, fault: toFault(error) });
    }
  }

  /** What a worker asks for a job; whose sessions it may see does not depend on what the worker says. */
  async #ask(worker: WorkerProcess, task: Task, question: Question): Promise<unknown> {
    const { tenant } = task.terms;
    const sessions = this.#sessions as Sessions;
    switch (question.name) {
      case 'since':
        return seenBy(worker, task, await sessions.since(tenant, question.session, question.revision));
      case 'hold': {
        // Held already, for who has let go of what it was thought to have.
        if (task.hold) return seenBy(worker, task, await sessions.since(tenant, question.session, question.revision));
        const { at } = task;
        await this.#hold(task, question.session, question.revision);
        const { update } = task.hold as unknown as Hold;
        // The worker may have ended meanwhile, and another may have begun anew.
        if (task.at !== at) task.release();
        return seenBy(worker, task, update);
      }
      case 'commit': {
        const { draft, response } = question;
        if (task.hold === undefined) throw new Error('a worker committed to a session that it did not hold');
        const row = await task.hold.commit(draft as Draft, response);
        worker.knows(tenant, row);
        if (response !== undefined) task.committed = { response };
        // Nothing can come between what is committed and its client.
        if (response !== undefined && !isStream(task.method)) task.answer(response);
        return row;
      }
      case 'entries':
        return sessions.entries(tenant, question.session, question.log, question.from, question.revision);
      case 'blob':
        return sessions.blob(tenant, question.blob);
      default:
        return question satisfies never;
    }
  }

  #hasEnded(slot: Slot, worker: WorkerProcess, why: string, running: number | undefined): void {
    const culprit = running === undefined ? undefined : slot.tasks.get(running);
    if (culprit && !culprit.hasEnded) {
      culprit.deaths++;
      this.quarantine.blame(worker.device, culprit.subject, culprit.tenant, culprit.method.name, why);
    }
    const lost = [...slot.tasks.values()];
    slot.tasks.clear();
    for (const task of lost) this.#again(task, why);
    this.#dispatch();
  }

  /** Has a job begin again whose worker has ended, or ends it where that cannot be. */
  #again(task: Task, why: string): void {
    const { signal } = task.terms.deadline;
    task.at = undefined;
    task.release();
    if (task.committed && !isStream(task.method)) {
      task.answer(task.committed.response);
      return;
    }
    this.#orFail(task, () => {
      signal.throwIfAborted();
      this.quarantine.check(task.device, task.subject);
      if (task.isSeen || task.committed || task.deaths > 1 || task.tries >= MAX_TRIES)
        throw new EngineError('engine_lost', lostMessage(task, why));
      this.#wait(task);
    });
  }
}

/** Milliseconds that a worker will be at the jobs that it was given and that answer once; 0 when there are none. */
function loadOf({ tasks }: Slot): number {
  let load = 0;
  for (const { method, cost } of tasks.values()) if (!isStream(method)) load += Math.max(cost, Number.MIN_VALUE);
  return load;
}

/** Whether a worker can be at one more stream; they give way to all else again and again. */
function takesStream({ tasks }: Slot): boolean {
  let streams = 0;
  for (const { method } of tasks.values()) if (isStream(method)) streams++;
  return streams < MAX_STREAMS;
}

/** An update as a worker is sent it: without the elements that are not worth it before somebody asks for them. */
function seenBy(worker: WorkerProcess, { tenant }: Task, update: Update): Update {
  worker.knows(tenant, update.row);
  const variables = update.variables.map(({ row, data }) => ({
    row,
    data: data && data.byteLength <= SLIM_BYTES ? data : undefined,
  }));
  return { ...update, variables };
}

function lostMessage({ isSeen, committed }: Task, why: string): string {
  const what = `the engine process that computed this ended (${why})`;
  if (isSeen || committed)
    return `${what}; what was committed last is kept, so that another request goes on from there`;
  return `${what}, and so did the one that it was given to then; send it again`;
}
