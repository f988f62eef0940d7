/**
 * @file Measures the engine in process beside JAX and PyTorch: `npm run bench:compute`. `-- --quick` takes less than
 * five minutes, `-- --only TEXT` the cases whose title contains it, `-- --json FILE` writes the rows and,
 * if they are all, a plot of their ratios in `docs/bench/compute.svg`; `-- --plot` writes that anyway. Each contestant
 * is a process of its own, new for every case; they take turns, and none computes while another does. The results of
 * the first run and of the last are compared: one that is wrong fails the benchmark.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Tensor } from '../../engine/types.ts';
import { peersEnvironment, pythonOf } from '../peers.ts';
import { Disturbance, secondsOf } from '../processes.ts';
import { CASES, type Case, resultsOf, titleOf } from './cases.ts';
import { disagreement } from './compare.ts';
import { type Command, Contestant, Forfeit } from './contestant.ts';
import { randomOf } from './inputs.ts';
import { type Filed, fromFile, type Replies, toFile } from './protocol.ts';
import { type Measured, plot, table } from './report.ts';
import { median } from './timed.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
    plot: { type: 'boolean', default: false },
  },
});

/** `turn`: seconds of one turn. `slow`: seconds that a turn of a few slow calls may take. `all`: seconds of all turns. */
const PACE = options.quick
  ? { rounds: 3, turn: 0.15, slow: 1, all: 4, firstCall: 45 }
  : { rounds: 9, turn: 0.3, slow: 4, all: 40, firstCall: 120 };

/** Nothing to wait for takes that long, however slow the backend. */
const PATIENCE_SECONDS = 300;

/** How often, between two turns, the contestants are looked at for threads that still work or wait for more of it. */
const PAUSE_MS = 30;
const LONGEST_PAUSE_MS = 10_000;

const SVG = fileURLToPath(new URL('../../docs/bench/compute.svg', import.meta.url));

const wrong: string[] = [];

async function main(): Promise<void> {
  const cases = CASES.filter((candidate) => titleOf(candidate).includes(options.only));
  if (cases.length === 0) throw new Error(`no case is called '${options.only}'`);
  const commands = commandsOf();
  const measured: Measured[] = [];
  for (const each of cases) measured.push(await measure(each, commands));
  process.stdout.write(table(measured));
  if (wrong.length > 0) {
    process.stderr.write(`FAILED, and nothing is written:\n${wrong.join('\n')}\n`);
    process.exitCode = 1;
    return;
  }
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ rows: measured.map(({ row }) => row) }, null, 2)}\n`);
  if (options.plot || (options.json !== undefined && options.only === '')) {
    mkdirSync(dirname(SVG), { recursive: true });
    writeFileSync(SVG, plot(measured));
  }
}

/** Ours, and the peers if they can be had. */
function commandsOf(): Command[] {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const ours: Command = {
    name: 'ours',
    file: process.execPath,
    args: ['--expose-gc', `${here}ours.ts`],
    env: process.env,
  };
  try {
    const python = pythonOf({
      name: 'bench-venv',
      requirements: new URL('peers/requirements.txt', import.meta.url),
      script: new URL('peers/cuda_stand_in.py', import.meta.url),
      modules: ['jax', 'torch'],
      size: 'about 700 MB to download, 2 GB on disk',
    });
    const peer = (name: 'jax' | 'torch'): Command => ({
      name,
      file: python,
      args: [`${here}peers/${name}_cases.py`],
      env: peersEnvironment(),
    });
    return [ours, peer('jax'), peer('torch')];
  } catch (reason) {
    note('all cases', `no peers, since they cannot be installed: ${messageOf(reason)}`);
    return [ours];
  }
}

/** A contestant with what it did so far. */
interface Entry {
  readonly contestant: Contestant;
  readonly first: Replies['first'];
  readonly times: number[];
  spent: number;
}

async function measure(asked: Case, commands: readonly Command[]): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-bench-'));
  const contestants = commands.map((command) => new Contestant(command));
  try {
    const entries = await firstCalls(asked, contestants, folder);
    compare(
      asked,
      entries.map(({ contestant, first }) => [contestant.name, first.results]),
    );
    await takeTurns(asked, entries, contestants);
    compare(asked, await lastResults(asked, entries, folder));
    return summary(asked, entries);
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.stop()));
    rmSync(folder, { recursive: true });
  }
}

async function firstCalls(asked: Case, contestants: readonly Contestant[], folder: string): Promise<Entry[]> {
  const title = titleOf(asked);
  const inputs = Object.entries(asked.inputs(randomOf(1)));
  const filed = inputs.map(([name, tensor]) => toFile(name, tensor, join(folder, name)));
  const entries: Entry[] = [];
  // All prepare at once; then one after the other computes for the first time.
  const question = {
    ask: 'prepare',
    title,
    computation: asked.computation,
    dtype: asked.dtype,
    inputs: filed,
    nodes: asked.nodes ?? [],
    threads: availableParallelism(),
  } as const;
  const prepared = await Promise.allSettled(contestants.map((each) => each.ask(question, PATIENCE_SECONDS)));
  for (const [i, contestant] of contestants.entries())
    await orForfeit(asked, contestant, async () => {
      const outcome = prepared[i] as PromiseSettledResult<unknown>;
      if (outcome.status === 'rejected') throw outcome.reason;
      const results = join(folder, contestant.name);
      mkdirSync(results);
      const limit = contestant.name === 'ours' ? PATIENCE_SECONDS : PACE.firstCall;
      await quiet(contestants);
      const first = await contestant.ask({ ask: 'first', folder: results }, limit);
      entries.push({ contestant, first, times: [], spent: 0 });
    });
  return entries;
}

/** Every contestant's results with those of every other one. */
function compare(asked: Case, filed: readonly (readonly [name: string, results: readonly Filed[]])[]): void {
  const results = filed.map(([name, files]): [string, Tensor[]] => [name, files.map(fromFile)]);
  for (const [i, left] of results.entries())
    for (const right of results.slice(i + 1)) {
      const difference = disagreement(left, right, resultsOf(asked), asked.tolerance);
      if (difference === undefined) continue;
      wrong.push(`${titleOf(asked)}: ${difference}`);
      note(titleOf(asked), `WRONG: ${difference}`);
    }
}

async function takeTurns(asked: Case, entries: readonly Entry[], contestants: readonly Contestant[]): Promise<void> {
  const disturbance = new Disturbance(contestants.map(({ pid }) => pid));
  // The first round is not counted: caches fill, and just-in-time compilers come to see what is hot.
  for (let round = -1; round < PACE.rounds; round++)
    for (const entry of entries) {
      if (entry.spent > PACE.all) continue;
      await quiet(contestants);
      await orForfeit(asked, entry.contestant, () => disturbance.during(takeTurn(entry, round >= 0)));
    }
  if (disturbance.share > 0.03)
    note(titleOf(asked), `other processes took ${Math.round(disturbance.share * 100)}% of the processors meanwhile`);
}

/** The results of a run after all others: what a run leaves behind may have changed them. */
async function lastResults(
  asked: Case,
  entries: readonly Entry[],
  folder: string,
): Promise<[string, readonly Filed[]][]> {
  const filed: [string, readonly Filed[]][] = [];
  for (const { contestant } of entries)
    await orForfeit(asked, contestant, async () => {
      const question = { ask: 'again', folder: join(folder, contestant.name) } as const;
      filed.push([contestant.name, (await contestant.ask(question, PATIENCE_SECONDS)).results]);
    });
  return filed;
}

async function takeTurn(entry: Entry, counts: boolean): Promise<void> {
  const started = performance.now();
  const question = { ask: 'time', seconds: PACE.turn, most_seconds: PACE.slow } as const;
  const { ms } = await entry.contestant.ask(question, PATIENCE_SECONDS);
  entry.spent += (performance.now() - started) / 1000;
  if (counts || entry.spent > PACE.all) entry.times.push(ms);
}

function summary(asked: Case, entries: readonly Entry[]): Measured {
  const of = (name: Command['name']): Entry | undefined => entries.find(({ contestant }) => contestant.name === name);
  const time = (name: Command['name']): number | null => {
    const times = of(name)?.times ?? [];
    return times.length > 0 ? median(times) : null;
  };
  const [ours, jax, torch] = [time('ours'), time('jax'), time('torch')];
  const best = Math.min(jax ?? Infinity, torch ?? Infinity);
  const { first } = of('ours') ?? {};
  return {
    row: {
      case: asked.name,
      dtype: asked.dtype,
      ours_ms: ours,
      jax_ms: jax,
      torch_ms: torch,
      ratio: ours === null || best === Infinity ? null : ours / best,
      first_call_ms: first?.ms ?? null,
      jax_first_call_ms: of('jax')?.first.ms ?? null,
      peak_bytes: first?.peak_bytes ?? null,
    },
    planned_bytes: first?.planned_bytes ?? null,
  };
}

/** Does something that a contestant may fail at, and says so if it does; if ours does, the run fails. */
async function orForfeit(asked: Case, { name }: Contestant, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (reason) {
    if (!(reason instanceof Forfeit)) throw reason;
    note(titleOf(asked), `${name}: ${reason.message}`);
    if (name === 'ours') wrong.push(`${titleOf(asked)}: ours: ${reason.message}`);
  }
}

/** Waits until no contestant computes any more, in the background, for a result that it gave. */
async function quiet(contestants: readonly Contestant[]): Promise<void> {
  const spent = (): number => contestants.reduce((sum, { pid }) => sum + secondsOf(pid), 0);
  const started = performance.now();
  let before: number;
  do {
    before = spent();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    // One tick is the least that the clock shows.
  } while (spent() - before > 0.011 && performance.now() - started < LONGEST_PAUSE_MS);
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

function note(where: string, what: string): void {
  process.stderr.write(`${where}: ${what}\n`);
}

await main();
