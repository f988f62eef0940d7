/**
 * @file A worker: a process with an engine, that does what its supervisor sends. A fault in compiled code, or a
 * computation that does not end, is the end of this process and of no other.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { type Logger, pino } from 'pino';
import { calibrate, GpuError, type GpuRates, openGpu } from '../../engine/backends/gpu/gpu.ts';
import { createEngine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { warmUp } from '../../engine/warm-up.ts';
import { METHODS } from '../api/index.ts';
import { type EngineContext, type EngineMethod, isStream } from '../api/method.ts';
import { revive } from '../api/snapshot.ts';
import { ConfigError, readConfig } from '../config.ts';
import { discard } from '../memory.ts';
import { SessionCopies } from '../sessions/copies.ts';
import type { Hold, Home, Update } from '../sessions/home.ts';
import { Locks } from '../sessions/locks.ts';
import type { LogEntry, SessionRow } from '../sessions/store.ts';
import { openBackend } from './backend.ts';
import { Batcher, GPU_BYTES, PROCESSOR } from './batcher.ts';
import { Board } from './board.ts';
import { Channel } from './channel.ts';
import { isLent } from './lent.ts';
import { endWithParent } from './lifeline.ts';
import { Placement } from './placement.ts';
import {
  DESCRIPTORS,
  type FromWorker,
  fromFault,
  type Question,
  type Start,
  type ToWorker,
  toFault,
} from './protocol.ts';
import { RunningJob } from './running.ts';

type Run = Extract<ToWorker, { type: 'run' }>;

const { folder, name, device, parent, isFirst } = JSON.parse(process.argv[2] as string) as Start;
endWithParent(parent);
const config = readConfig(process.env);
const log = pino({ level: config.logLevel }).child({ worker: name });
const board = new Board(DESCRIPTORS.board);
const floor = new Locks();
const jobs = new Map<number, RunningJob>();
/** The job on whose behalf something is done. */
const current = new AsyncLocalStorage<RunningJob>();
const asked = new Map<number, PromiseWithResolvers<unknown>>();
let calls = 0;
/** What the gpu that this process computes on has failed with. */
let graphicsFault: () => GpuError | undefined = () => undefined;

// Ctrl-C at a terminal reaches the whole group; it is the supervisor who says when to stop.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

const channel = new Channel({
  socket: new Socket({ fd: DESCRIPTORS.channel }),
  folder,
  own: name,
  other: `to-${name}`,
  receive: (message, block) => receive(message as ToWorker, block),
  closed: (reason) => {
    if (reason) log.error({ err: reason }, 'the channel failed');
    process.exit(reason ? 1 : 0);
  },
});
const { backend, gpu } = device === 'gpu' ? await openGraphics() : await openProcessor();
const placement = new Placement(backend);
const engine = createEngine({
  limits: config.limits,
  backend,
  memory: Math.ceil(config.engineMemory / config.workers),
});
const batcher =
  config.batch.windowMicroseconds > 0
    ? new Batcher(engine, config.batch, gpu ? { rates: gpu.rates, bytes: GPU_BYTES } : PROCESSOR)
    : undefined;
const home: Home = {
  since: async (_, session, revision) => (await ask({ name: 'since', session, revision })) as Update,
  entries: async (_, session, log, from, revision) =>
    (await ask({ name: 'entries', session, log, from, revision })) as readonly LogEntry[] | undefined,
  blob: async (_, blob) => (await ask({ name: 'blob', blob })) as Uint8Array,
};
const copies = new SessionCopies(
  engine,
  home,
  { ...config.sessions, memory: Math.ceil(config.sessions.memory / config.workers) },
  (wait) => (current.getStore() as RunningJob).during(wait),
);
void send({ type: 'ready', backend: engine.backend, gpu });
// What ends by a signal writes nothing down.
flushCompileCache();
// What the first jobs will need is made ready while none has come.
void warmUp(engine).catch((err: unknown) => log.error({ err }, 'warming up failed'));

async function openProcessor() {
  try {
    return { backend: openBackend(config, log, isFirst), gpu: undefined };
  } catch (reason) {
    if (!(reason instanceof ConfigError)) throw reason;
    return complain(reason.message);
  }
}

/** The gpu, measured; what is no gpu will not do unless the configuration says so. */
async function openGraphics() {
  const opened = await openGpu({ memory: config.gpu.memory });
  if ('reason' in opened) return complain(`no gpu can be used: ${opened.reason}`);
  const { name, api, software } = opened.device;
  if (software && !config.gpu.software)
    return complain(`${name} is a program on the processor; ADJOINT_GPU_SOFTWARE=1 takes it for a gpu`);
  // The supervisor starts another process, with the device as it is then.
  opened.onFault((fault) => void send({ type: 'broken', why: `the gpu failed: ${fault.message}` }));
  const rates = await calibrate(opened.backend, () => performance.now());
  graphicsFault = opened.fault;
  return { backend: opened.backend, gpu: { adapter: { name, api, software }, rates } };
}

/** Says why this process is of no use, and waits for its end. */
function complain(why: string): Promise<never> {
  void send({ type: 'unfit', why });
  // Whoever has heard it ends this process; its channel is all that is to go on until then.
  return new Promise<never>(() => {});
}

function send(message: FromWorker): Promise<void> | undefined {
  return channel.send(message);
}

function receive(message: ToWorker, block: ArrayBuffer): void {
  switch (message.type) {
    case 'run':
      void run(message, block);
      return;
    case 'next':
      jobs.get(message.place)?.want();
      return;
    case 'cancel':
      jobs.get(message.place)?.cancel(fromFault(message.fault));
      return;
    case 'reply':
      asked.get(message.call)?.resolve(message.value);
      asked.delete(message.call);
      return;
    case 'refuse':
      asked.get(message.call)?.reject(fromFault(message.fault));
      asked.delete(message.call);
      return;
    case 'rates':
      void learn(message.rates);
      return;
    case 'forget':
      copies.forget(message.tenant, message.session);
      return;
    default:
      message satisfies never;
  }
}

/** Does a job, whose arrays lie in `block`. */
async function run(message: Run, block: ArrayBuffer): Promise<void> {
  const { place, left, labels } = message;
  const job = new RunningJob(place, left, floor, board);
  const label = log.child(labels);
  const afterwards: (() => void)[] = [];
  jobs.set(place, job);
  await job.begin();
  try {
    job.checkpoint.check();
    const method = METHODS.find((one) => one.name === message.method) as EngineMethod;
    await current.run(job, () => perform(method, message, contextOf(job, message, label, afterwards), job, afterwards));
    // One that failed may have left something behind that still reads it.
    if (isLent(method, message.request)) discard(block);
  } catch (reason) {
    // The supervisor knows, and ends this process while it is this job's turn: the job is begun again elsewhere.
    if (graphicsFault() !== undefined) await new Promise<never>(() => {});
    const error = errorOf(reason);
    const moved = movedBy(reason, error, message);
    if (moved !== undefined) {
      void send({ type: 'moved', place, device: moved, busy: job.busy });
      return;
    }
    if (error.code === 'internal') label.error({ err: error.cause ?? error }, 'failed');
    void send({ type: 'failed', place, fault: toFault(error), busy: job.busy });
  } finally {
    runAll(afterwards);
    jobs.delete(place);
    job.close();
  }
}

/** Does a request and sends what comes of it. Large arrays are copied before what they lie in is used again. */
async function perform(
  method: EngineMethod,
  message: Run,
  context: EngineContext,
  job: RunningJob,
  afterwards: (() => void)[],
): Promise<void> {
  const { place } = job;
  const request = revive(message.request);
  if (!isStream(method)) {
    const response = await method.handle(request, context);
    const isCommitted = job.committed !== undefined && job.committed.response === response;
    const { busy, isStackable } = job;
    const answered = { response: isCommitted ? undefined : response, isCommitted, busy, isStackable };
    await send({ type: 'answered', place, ...answered });
    return;
  }
  for await (const each of method.stream(request, context)) {
    await send({ type: 'message', place, message: each });
    runAll(afterwards);
    await job.untilWanted();
  }
  const { busy } = job;
  await send({ type: 'answered', place, response: undefined, isCommitted: false, busy, isStackable: undefined });
}

function runAll(afterwards: (() => void)[]): void {
  for (const each of afterwards.splice(0)) each();
}

function contextOf(job: RunningJob, message: Run, label: Logger, afterwards: (() => void)[]): EngineContext {
  const { signal, checkpoint } = job;
  return {
    signal,
    checkpoint,
    afterReply: (each) => void afterwards.push(each),
    tenant: message.tenant,
    log: label,
    engine: engine.within(checkpoint),
    device: { device, adapter: gpu?.adapter ?? null },
    turn: () => job.during(setImmediate()),
    place: ({ plan }) => {
      if (!message.isSettled && message.device === 'auto' && placement.isForGpu(plan)) throw new Elsewhere('gpu');
    },
    ...(batcher && { execute: (compiled, inputs) => batcher.execute(job, compiled, inputs) }),
    sessions: copies,
    hold: (session, revision) => hold(job, message, session, revision),
  };
}

/** Ends a job here that is for another device. */
class Elsewhere extends Error {
  readonly device: 'cpu' | 'gpu';

  constructor(device: 'cpu' | 'gpu') {
    super(`this is for the ${device}`);
    this.device = device;
  }
}

/** A computation that a gpu has not the memory for is for another device. */
function errorOf(reason: unknown): EngineError {
  if (reason instanceof GpuError)
    return new EngineError('device_unfit', reason.message, { pointer: '/options/device' });
  return EngineError.from(reason);
}

/** The device that a job is for instead; `undefined` when it has just failed. */
function movedBy(reason: unknown, { code }: EngineError, message: Run): 'cpu' | 'gpu' | undefined {
  if (reason instanceof Elsewhere) return reason.device;
  const isLeft = device === 'gpu' && code === 'device_unfit' && message.device === 'auto';
  return isLeft ? 'cpu' : undefined;
}

/** Takes the rates of the gpu, and measures what this process is worth beside it when nobody else is at work. */
async function learn(rates: GpuRates | undefined): Promise<void> {
  const end = await floor.take('engine');
  try {
    await placement.learn(rates);
  } catch (err) {
    log.error({ err }, 'the processor could not be measured');
  } finally {
    end();
  }
}

/** A session that nobody else changes: it came with the job, or is asked for. */
async function hold(
  job: RunningJob,
  { update: sent }: Run,
  session: string,
  revision: number | undefined,
): Promise<Hold> {
  const fits = sent !== undefined && (sent.since === undefined || sent.since === revision);
  const update = fits ? sent : ((await ask({ name: 'hold', session, revision })) as Update);
  return {
    update,
    async commit(draft, response) {
      const row = (await ask({ name: 'commit', draft, response })) as SessionRow;
      if (response !== undefined) job.committed = { response };
      return row;
    },
    release: () => void send({ type: 'release', place: job.place }),
  };
}

/** Asks where sessions are at home, for the job that is at work. */
function ask(question: Question): Promise<unknown> {
  const job = current.getStore() as RunningJob;
  const call = ++calls;
  const asking = Promise.withResolvers<unknown>();
  asked.set(call, asking);
  void send({ type: 'ask', call, place: job.place, question });
  return job.during(asking.promise);
}
