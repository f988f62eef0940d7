/**
 * @file Measures the service beside others that give gradients over HTTP: `npm run bench:serve`. `-- --quick` takes at
 * most five minutes once the peers are installed, `-- --json FILE` writes the rows, `-- --peers none` (or some of
 * fastapi,tesseract) leaves peers out, `-- --rounds`, `--seconds` and `--connections` set the pace. Every server is a
 * process of its own, and so is the load generator; they take turns, one round after the other, and a figure is the
 * median of its rounds. Replies are read and compared before anything is measured.
 */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Tensor } from '../../engine/types.ts';
import { differenceOf } from '../compute/compare.ts';
import { median } from '../compute/timed.ts';
import { Disturbance, treeOf } from '../processes.ts';
import { aligned, figure } from '../table.ts';
import { CASES, type Case } from './cases.ts';
import { type Contestant, type Started, startFastApi, startOurs, startTesseract } from './contestants.ts';
import { Generator } from './generator.ts';
import { lineFor } from './line.ts';
import type { Outcome } from './load.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    peers: { type: 'string', default: 'fastapi,tesseract' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string', default: '1,16,64,256' },
  },
});

const ROUNDS = Number(options.rounds ?? (options.quick ? 3 : 5));
const SECONDS = Number(options.seconds ?? (options.quick ? 1.5 : 5));
const CONNECTIONS = options.connections.split(',').map(Number);

/** No round of a case begins that would, if it took as long as the longest before, end after that many seconds. */
const BUDGET_SECONDS = options.quick ? 120 : Infinity;

/** Enough to keep every process of a server busy, for loads that are not counted. */
const WARM_UP_CONNECTIONS = 16;

/** What the others have to settle after a turn. */
const PAUSE_MS = 100;

const TOLERANCE = 1e-4;

const PEERS = { fastapi: startFastApi, tesseract: startTesseract } as const;
const PEERS_ASKED = (Object.keys(PEERS) as (keyof typeof PEERS)[]).filter((name) =>
  options.peers.split(',').includes(name),
);

/** Contestants for whom a case was measured in one way, and what came of it. */
interface Cell {
  readonly connections: number;
  readonly contestant: Contestant;
  readonly outcomes: Outcome[];
}

/** One comparison, or, where `peer` is `none`, our figures alone. */
interface Row {
  readonly case: string;
  readonly transport: 'rest' | 'grpc';
  readonly clients: number;
  readonly ours_rps: number | null;
  readonly peer: string;
  readonly peer_rps: number | null;
  readonly ours_p50_ms: number | null;
  readonly peer_p50_ms: number | null;
  readonly ours_p99_ms: number | null;
  readonly peer_p99_ms: number | null;
  readonly ours_p999_ms: number | null;
  readonly peer_p999_ms: number | null;
  /** Of all requests, those refused with 429 or 503. */
  readonly ours_refused: number | null;
  readonly peer_refused: number | null;
}

const wrong: string[] = [];

async function main(): Promise<void> {
  const rows: Row[] = [];
  using generator = new Generator();
  for (const asked of CASES) {
    const cells = await measure(asked, generator);
    process.stdout.write(`${asked.name}\n${tableOf(cells)}\n`);
    rows.push(...rowsOf(asked, cells));
  }
  if (wrong.length > 0) {
    process.stderr.write(`FAILED, and nothing is written:\n${wrong.join('\n')}\n`);
    process.exitCode = 1;
  } else if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ rows }, null, 2)}\n`);
}

async function measure(asked: Case, generator: Generator): Promise<Cell[]> {
  await using stack = new AsyncDisposableStack();
  const started: Started[] = [];
  const start = async (starting: (asked: Case) => Promise<Started>): Promise<void> => {
    const each = await starting(asked);
    stack.use(each.server);
    started.push(each);
  };
  await start(startOurs);
  for (const name of PEERS_ASKED)
    try {
      await start(PEERS[name]);
    } catch (reason) {
      note(asked, `${name} is not measured: ${(reason as Error).message}`);
    }
  const contestants = started.flatMap((each) => each.contestants);
  await compare(asked, contestants);
  const cells = CONNECTIONS.flatMap((connections) =>
    contestants.map((contestant): Cell => ({ connections, contestant, outcomes: [] })),
  );
  const begun = performance.now();
  // Not counted: caches fill, and just-in-time compilers come to see what is hot.
  for (const contestant of contestants)
    await turn({ connections: WARM_UP_CONNECTIONS, contestant, outcomes: [] }, generator);
  const disturbance = new Disturbance(started.flatMap(({ server }) => treeOf(server.pid)).concat(generator.pid));
  for (let round = 0, longest = 0; round < ROUNDS; round++) {
    const before = performance.now();
    if (round > 0 && (before - begun + longest) / 1000 > BUDGET_SECONDS) {
      note(asked, `only ${round} of ${ROUNDS} rounds, for lack of time`);
      break;
    }
    for (const cell of cells) await disturbance.during(turn(cell, generator));
    longest = Math.max(longest, performance.now() - before);
  }
  if (disturbance.share > 0.03)
    note(asked, `other processes took ${Math.round(disturbance.share * 100)}% of the processors meanwhile`);
  for (const cell of cells) judge(asked, cell);
  return cells;
}

/** Every contestant's numbers with those that are known, or else with ours. */
async function compare(asked: Case, contestants: readonly Contestant[]): Promise<void> {
  let known = asked.expected;
  for (const contestant of contestants) {
    const line = lineFor(contestant.request);
    const answer = await line.ask();
    line.close();
    if (answer.outcome !== 'accepted') throw new Error(`${contestant.name}: ${JSON.stringify(answer)}`);
    const found = contestant.read(answer.reply);
    if (Object.keys(known).length === 0) known = found;
    for (const name of asked.sources) {
      const difference = differenceOf(found[name] as Tensor, known[name] as Tensor);
      if (!(difference <= TOLERANCE))
        wrong.push(`${asked.name}: the gradient for ${name} of ${nameOf(contestant)} is off by ${difference}`);
    }
    const { loss } = found;
    if (loss && !(differenceOf(loss, known.loss as Tensor) <= TOLERANCE))
      wrong.push(
        `${asked.name}: the loss of ${nameOf(contestant)} is ${loss.data[0]}, expected ${known.loss?.data[0]}`,
      );
  }
}

async function turn({ connections, contestant, outcomes }: Cell, generator: Generator): Promise<void> {
  await sleep(PAUSE_MS);
  const { request } = contestant;
  outcomes.push(...(await generator.send({ loop: 'closed', request, connections, seconds: SECONDS })));
}

/** Says what went wrong in a cell; if it was ours, the run fails. */
function judge(asked: Case, { connections, contestant, outcomes }: Cell): void {
  const failures = outcomes.reduce((sum, { failed }) => sum + failed, 0);
  if (failures === 0) return;
  const why = outcomes.find((outcome) => outcome.why !== undefined)?.why;
  const text = `${nameOf(contestant)}, ${connections} connections: ${failures} requests failed, the first with: ${why}`;
  note(asked, text);
  if (contestant.name === 'Adjoint') wrong.push(`${asked.name}: ${text}`);
}

/** The median of a figure over the rounds, if nothing failed and something was accepted. */
function medianOf({ outcomes }: Cell, figureOf: (outcome: Outcome) => number): number | null {
  if (outcomes.some(({ failed, accepted }) => failed > 0 || accepted === 0)) return null;
  return outcomes.length === 0 ? null : median(outcomes.map(figureOf));
}

function rowsOf(asked: Case, cells: readonly Cell[]): Row[] {
  const isOurs = ({ contestant }: Cell): boolean => contestant.name === 'Adjoint';
  return cells.filter(isOurs).flatMap((ours) => {
    const { transport } = ours.contestant.request;
    const peers = cells.filter(
      (cell) =>
        !isOurs(cell) && cell.connections === ours.connections && cell.contestant.request.transport === transport,
    );
    return (peers.length > 0 ? peers : [undefined]).map((peer): Row => {
      const both = (figureOf: (outcome: Outcome) => number): [number | null, number | null] => [
        medianOf(ours, figureOf),
        peer === undefined ? null : medianOf(peer, figureOf),
      ];
      const [ours_rps, peer_rps] = both(({ perSecond }) => perSecond);
      const [ours_p50_ms, peer_p50_ms] = both(({ ms }) => ms.p50);
      const [ours_p99_ms, peer_p99_ms] = both(({ ms }) => ms.p99);
      const [ours_p999_ms, peer_p999_ms] = both(({ ms }) => ms.p999);
      const [ours_refused, peer_refused] = both(refusedShare);
      return {
        case: asked.name,
        transport,
        clients: ours.connections,
        ours_rps,
        peer: peer?.contestant.name ?? 'none',
        peer_rps,
        ours_p50_ms,
        peer_p50_ms,
        ours_p99_ms,
        peer_p99_ms,
        ours_p999_ms,
        peer_p999_ms,
        ours_refused,
        peer_refused,
      };
    });
  });
}

function tableOf(cells: readonly Cell[]): string {
  const head = ['server', 'clients', 'requests/s', 'p50 ms', 'p99 ms', 'p99.9 ms', 'refused', 'generator busy'];
  const percent = (share: number | null): string => (share === null ? '–' : `${Math.round(share * 100)}%`);
  const body = cells.map((cell) => {
    const of = (figureOf: (outcome: Outcome) => number): string => figure(medianOf(cell, figureOf));
    return [
      nameOf(cell.contestant),
      String(cell.connections),
      of(({ perSecond }) => perSecond),
      of(({ ms }) => ms.p50),
      of(({ ms }) => ms.p99),
      of(({ ms }) => ms.p999),
      percent(medianOf(cell, refusedShare)),
      percent(medianOf(cell, ({ busy }) => busy)),
    ];
  });
  return aligned([head, ...body], 1);
}

function refusedShare({ accepted, refused }: Outcome): number {
  return refused / (accepted + refused);
}

function nameOf({ name, request }: Contestant): string {
  return request.transport === 'grpc' ? `${name}, gRPC` : name;
}

function note({ name }: Case, what: string): void {
  process.stderr.write(`${name}: ${what}\n`);
}

await main();
