/**
 * @file The load generator, a process of its own: each message says what to send, the reply what came of it. A closed
 * loop sends on a connection when the reply to the last request is there. An open loop sends when it is time to,
 * whatever became of the last ones, and counts latency from then on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../service.ts';
import { type Answer, type Line, lineFor, type Request } from './line.ts';

/** What to send. */
export type Load =
  | { readonly loop: 'closed'; readonly request: Request; readonly connections: number; readonly seconds: number }
  | { readonly loop: 'open'; readonly streams: readonly Stream[]; readonly seconds: number };

/** Requests at a steady rate; those for which none of the connections is free when it is time are never sent. */
export interface Stream {
  readonly request: Request;
  readonly perSecond: number;
  readonly connections: number;
}

/** What came of it. */
export interface Outcome {
  /**
   * Accepted requests a second: in a closed loop until the last reply, in an open one while requests were sent, its first
   * third left out, in which queues fill.
   */
  readonly perSecond: number;
  readonly accepted: number;
  readonly refused: number;
  /** Refused requests that were told when to come again. */
  readonly deferred: number;
  readonly failed: number;
  readonly unsent: number;
  /** Why the first one failed. */
  readonly why: string | undefined;
  /** Latency of accepted requests. */
  readonly ms: { readonly p50: number; readonly p99: number; readonly p999: number };
  /** What the generator took of one processor; near 1, it measured itself. */
  readonly busy: number;
}

/** How long a refused client waits that was not told. */
const UNTOLD_WAIT_SECONDS = 0.1;

/** The share of an open loop's time in which queues fill. */
const FILLING = 1 / 3;

/** How long an open loop waits for replies after the last request. */
const PATIENCE_MS = 30_000;

class Tally {
  accepted = 0;
  refused = 0;
  deferred = 0;
  failed = 0;
  unsent = 0;
  why: string | undefined;
  readonly latencies: number[] = [];
  readonly #started = performance.now();
  readonly #cpu = process.cpuUsage();

  count(answer: Answer, since: number): void {
    switch (answer.outcome) {
      case 'accepted':
        this.accepted++;
        this.latencies.push(performance.now() - since);
        return;
      case 'refused':
        this.refused++;
        if (answer.retryAfterSeconds !== undefined) this.deferred++;
        return;
      case 'failed':
        this.failed++;
        this.why ??= answer.why;
        return;
      default:
        answer satisfies never;
    }
  }

  outcome(perSecond: number): Outcome {
    const { accepted, refused, deferred, failed, unsent, why, latencies } = this;
    const { user, system } = process.cpuUsage(this.#cpu);
    const busy = (user + system) / 1000 / (performance.now() - this.#started);
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => percentile(latencies, share)) as [
      number,
      number,
      number,
    ];
    return { perSecond, accepted, refused, deferred, failed, unsent, why, ms: { p50, p99, p999 }, busy };
  }
}

async function closedLoop({ request, connections, seconds }: Load & { loop: 'closed' }): Promise<Outcome> {
  const tally = new Tally();
  const started = performance.now();
  const end = started + seconds * 1000;
  const client = async (): Promise<void> => {
    const line = lineFor(request);
    while (performance.now() < end) {
      const since = performance.now();
      const answer = await line.ask();
      tally.count(answer, since);
      if (answer.outcome === 'failed') break;
      if (answer.outcome === 'refused') {
        const wait = (answer.retryAfterSeconds ?? UNTOLD_WAIT_SECONDS) * 1000;
        await sleep(Math.max(0, Math.min(wait, end - performance.now())));
      }
    }
    line.close();
  };
  await Promise.all(Array.from({ length: connections }, client));
  return tally.outcome(tally.accepted / ((performance.now() - started) / 1000));
}

async function openLoop({ streams, seconds }: Load & { loop: 'open' }): Promise<Outcome[]> {
  const started = performance.now();
  const first = started + seconds * 1000 * FILLING;
  const end = started + seconds * 1000;
  const tallies = streams.map(() => new Tally());
  const inTime = streams.map(() => 0);
  const all = streams.map(async ({ request, perSecond, connections }, i) => {
    const tally = tallies[i] as Tally;
    const lines: Line[] = [];
    const idle: Line[] = [];
    const flying = new Set<Promise<void>>();
    const send = async (line: Line, since: number): Promise<void> => {
      const answer = await line.ask();
      tally.count(answer, since);
      const now = performance.now();
      if (answer.outcome === 'accepted' && now >= first && now < end) inTime[i]!++;
      idle.push(line);
    };
    const connected = (): Line => {
      const line = lineFor(request);
      lines.push(line);
      return line;
    };
    for (let sent = 0, elapsed = 0; elapsed < seconds; ) {
      await sleep(1);
      elapsed = Math.min((performance.now() - started) / 1000, seconds);
      for (; sent < elapsed * perSecond; sent++) {
        const line = idle.pop() ?? (lines.length < connections ? connected() : undefined);
        if (line === undefined) {
          tally.unsent++;
          continue;
        }
        const flight = send(line, started + (sent / perSecond) * 1000).finally(() => flying.delete(flight));
        flying.add(flight);
      }
    }
    await Promise.race([Promise.all(flying), sleep(PATIENCE_MS, undefined, { ref: false })]);
    if (flying.size > 0) {
      tally.failed += flying.size;
      tally.why ??= `no reply within ${PATIENCE_MS / 1000} s`;
    }
    for (const line of lines) line.close();
  });
  await Promise.all(all);
  return tallies.map((tally, i) => tally.outcome((inTime[i] as number) / (seconds * (1 - FILLING))));
}

async function send(load: Load): Promise<void> {
  process.send?.(load.loop === 'closed' ? [await closedLoop(load)] : await openLoop(load));
}

process.on('message', (load: Load) => void send(load));
process.on('disconnect', () => process.exit());
