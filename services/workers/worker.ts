/**
 * @file A worker: a process with an engine, that does what its supervisor sends. A fault in compiled code, or a
 * computation that does not end, is the end of this process and of no other.
 */
import { flushCompileCache } from 'node:module';
import { Socket } from 'node:net';
import { type Logger, pino } from 'pino';
import type { Backend, Checkpoint } from '../../engine/backends/backend.ts';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine } from '../../engine/engine.ts';
import { EngineError } from '../../engine/errors.ts';
import { warmUp } from '../../engine/warm-up.ts';
import { METHODS } from '../api/index.ts';
import { type EngineContext, type EngineMethod, isStream } from '../api/method.ts';
import { revive } from '../api/snapshot.ts';
import { ConfigError, readConfig } from '../config.ts';
import { openBackend } from './backend.ts';
import { Board } from './board.ts';
import { Channel } from './channel.ts';
import {
  DESCRIPTORS,
  type FromWorker,
  fromFault,
  type Question,
  type Start,
  type ToWorker,
  toFault,
} from './protocol.ts';
import { Turns } from './turn.ts';

/** Milliseconds between two looks at the board: looking is a call of the system. */
const LOOK_INTERVAL = 1;

type Run = Extract<ToWorker, { type: 'run' }>;

/** A job from its arrival to its end. */
interface Running {
  readonly place: number;
  readonly controller: AbortController;
  /** Milliseconds that it has held the worker. */
  busy: number;
  since: number;
  /** Wakes a stream whose next message is wanted. */
  next: PromiseWithResolvers<void>;
  /** What was committed with its work last. */
  committed: { readonly response: unknown } | undefined;
}

const { folder, name, isFirst } = JSON.parse(process.argv[2] as string) as Start;
const config = readConfig(process.env);
const log = pino({ level: config.logLevel }).child({ worker: name });
const board = new Board(DESCRIPTORS.board);
const turns = new Turns(board);
const supervisor = process.ppid;
const running = new Map<number, Running>();
const asked = new Map<number, PromiseWithResolvers<unknown>>();
let calls = 0;

// Ctrl-C at a terminal reaches the whole group; it is the supervisor who says when to stop.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

const channel = new Channel({
  socket: new Socket({ fd: DESCRIPTORS.channel }),
  folder,
  own: name,
  other: `to-${name}`,
  receive: (message) => receive(message as ToWorker),
  closed: (reason) => {
    if (reason) log.error({ err: reason }, 'the channel failed');
    process.exit(reason ? 1 : 0);
  },
});
const engine = createEngine({
  limits: config.limits,
  backend: backendOrEnd(),
  memory: Math.ceil(config.engineMemory / config.workers),
});
send({ type: 'ready', backend: engine.backend });
// What ends by a signal writes nothing down.
flushCompileCache();
// What the first jobs will need is made ready while none has come.
void warmUp(engine).catch((err: unknown) => log.error({ err }, 'warming up failed'));

function backendOrEnd(): Backend {
  try {
    return openBackend(config, log, isFirst);
  } catch (reason) {
    if (!(reason instanceof ConfigError)) throw reason;
    send({ type: 'unfit', why: reason.message });
    // The supervisor ends it when it has heard that.
    return portable;
  }
}

function send(message: FromWorker): Promise<void> | undefined {
  return channel.send(message);
}

function receive(message: ToWorker): void {
  switch (message.type) {
    case 'run':
      void run(message);
      return;
    case 'next':
      running.get(message.place)?.next.resolve();
      return;
    case 'cancel':
      running.get(message.place)?.controller.abort(fromFault(message.fault));
      return;
    case 'reply':
      asked.get(message.call)?.resolve(message.value);
      asked.delete(message.call);
      return;
    case 'refuse':
      asked.get(message.call)?.reject(fromFault(message.fault));
      asked.delete(message.call);
      return;
    case 'stop':
      process.exit(0);
      return;
    default:
      message satisfies never;
  }
}

async function run(message: Run): Promise<void> {
  const { place, left } = message;
  const job: Running = {
    place,
    controller: new AbortController(),
    busy: 0,
    since: 0,
    next: Promise.withResolvers(),
    committed: undefined,
  };
  running.set(place, job);
  const end = performance.now() + left;
  const late = setTimeout(() => job.controller.abort(tooLate()), left);
  const afterwards: (() => void)[] = [];
  await begin(job);
  try {
    const method = METHODS.find((one) => one.name === message.method) as EngineMethod;
    const context = contextOf(job, message, end, afterwards);
    context.checkpoint.check();
    const request = revive(message.request);
    if (isStream(method)) await stream(job, method.stream(request, context), afterwards);
    else await answer(job, await method.handle(request, context));
  } catch (reason) {
    const error = EngineError.from(reason);
    if (error.code === 'internal') logOf(message).error({ err: error.cause ?? error }, 'failed');
    send({ type: 'failed', place, fault: toFault(error), busy: busyOf(job) });
  } finally {
    clearTimeout(late);
    for (const each of afterwards) each();
    running.delete(place);
    turns.pass();
  }
}

/** Sends the response; what lies in shared memory is copied before the job's storage is used again. */
async function answer(job: Running, response: unknown): Promise<void> {
  const isCommitted = job.committed !== undefined && job.committed.response === response;
  const sent = isCommitted ? undefined : response;
  await send({ type: 'answered', place: job.place, response: sent, isCommitted, busy: busyOf(job) });
}

async function stream(job: Running, messages: AsyncIterable<unknown>, afterwards: (() => void)[]): Promise<void> {
  const { place } = job;
  const aborted = new Promise<void>((resolve) => job.controller.signal.addEventListener('abort', () => resolve()));
  for await (const message of messages) {
    await send({ type: 'message', place, message });
    for (const each of afterwards.splice(0)) each();
    pause(job);
    await Promise.race([job.next.promise, aborted]);
    job.next = Promise.withResolvers();
    await begin(job);
    job.controller.signal.throwIfAborted();
  }
  await answer(job, undefined);
}

async function begin(job: Running): Promise<void> {
  await turns.take(job.place);
  job.since = performance.now();
}

function pause(job: Running): void {
  job.busy += performance.now() - job.since;
  turns.pass();
}

function busyOf({ busy, since }: Running): number {
  return busy + performance.now() - since;
}

function tooLate(): EngineError {
  return new EngineError('deadline_exceeded', 'the computation did not end before its deadline');
}

function logOf({ labels }: Run): Logger {
  return log.child(labels);
}

function contextOf(job: Running, message: Run, end: number, afterwards: (() => void)[]): EngineContext {
  const checkpoint = checkpointOf(job, end);
  return {
    signal: job.controller.signal,
    checkpoint,
    afterReply: (each) => void afterwards.push(each),
    tenant: message.tenant,
    log: logOf(message),
    engine,
    sessions: undefined as never,
  };
}

/** Looks at the clock, and now and then at the board: while a job computes, no message is heard. */
function checkpointOf({ place, controller }: Running, end: number): Checkpoint {
  let looked = 0;
  return {
    left: () => end - performance.now(),
    check() {
      const now = performance.now();
      if (now > end && !controller.signal.aborted) controller.abort(tooLate());
      if (now - looked > LOOK_INTERVAL) {
        looked = now;
        if (board.isFlagged(place) && !controller.signal.aborted)
          controller.abort(new EngineError('cancelled', 'nobody waits for the answer any more'));
        // Whoever was to hear the answer is gone, and with it the channel, which is not heard either.
        if (process.ppid !== supervisor) process.exit(1);
      }
      controller.signal.throwIfAborted();
    },
  };
}

/** Asks where sessions are at home; others have their turn meanwhile. */
export async function ask(place: number, question: Question): Promise<unknown> {
  const job = running.get(place) as Running;
  const call = ++calls;
  const asking = Promise.withResolvers<unknown>();
  asked.set(call, asking);
  send({ type: 'ask', call, place, question });
  pause(job);
  try {
    return await asking.promise;
  } finally {
    await begin(job);
  }
}
