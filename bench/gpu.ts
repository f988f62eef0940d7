/**
 * @file Measures the gpu backend beside the native one, on the cases of `bench:compute` in float32: `npm run bench:gpu`.
 * `-- --only TEXT` takes the cases whose title contains it, `-- --quick` one short turn each, `-- --json FILE` writes the
 * rows. Where there is no gpu it runs on SwiftShader, and every row says so. With an NVIDIA gpu and a Python that has JAX
 * and PyTorch for it (`-- --python FILE`, by default python3) those take their turns too, on the same card.
 *
 * Inputs lie on the device already, as a session's variables do. Ours fetches its results, as a reply needs them; the
 * peers leave theirs on the card.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { DeviceReport } from '../engine/backends/gpu/gpu.ts';
import { openTestGpu } from '../test/gpu.ts';
import { CASES, type Case, resultsOf, titleOf } from './compute/cases.ts';
import { disagreement } from './compute/compare.ts';
import { type Command, Contestant, Forfeit } from './compute/contestant.ts';
import { randomOf } from './compute/inputs.ts';
import { fromFile, type Replies, toFile } from './compute/protocol.ts';
import { median } from './compute/timed.ts';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
    python: { type: 'string', default: 'python3' },
  },
});

const PACE = options.quick ? { rounds: 1, turn: 0.2, slow: 2 } : { rounds: 5, turn: 0.5, slow: 5 };
const PATIENCE_SECONDS = 300;

type Name = Command['name'];

interface Row {
  readonly case: string;
  readonly adapter: string;
  readonly software: boolean;
  readonly gpu_ms: number | null;
  readonly native_ms: number | null;
  readonly jax_ms: number | null;
  readonly torch_ms: number | null;
  readonly gpu_first_call_ms: number | null;
}

const wrong: string[] = [];

async function main(): Promise<void> {
  const device = await deviceHere();
  const cases = CASES.filter((each) => each.dtype === 'float32' && titleOf(each).includes(options.only));
  if (cases.length === 0) throw new Error(`no case in float32 is called '${options.only}'`);
  process.stdout.write(`${device.name} (${device.driver})${device.software ? ', a program on the processor' : ''}\n`);
  const rows: Row[] = [];
  for (const each of cases) {
    const row = await measure(each, device);
    rows.push(row);
    const [gpu, native, jax, torch, first] = [
      row.gpu_ms,
      row.native_ms,
      row.jax_ms,
      row.torch_ms,
      row.gpu_first_call_ms,
    ].map((ms) => (ms === null ? '-' : ms.toPrecision(3)));
    process.stdout.write(
      `${row.case.padEnd(42)} gpu ${gpu} ms${row.software ? ' (software)' : ''}, native ${native}, JAX ${jax}, PyTorch ${torch}; first call ${first}\n`,
    );
  }
  if (wrong.length > 0) {
    process.stderr.write(`FAILED, and nothing is written:\n${wrong.join('\n')}\n`);
    process.exitCode = 1;
  } else if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ rows }, null, 2)}\n`);
}

/** The gpu that the contestant will open too. */
async function deviceHere(): Promise<DeviceReport> {
  const opened = await openTestGpu();
  if ('reason' in opened) throw new Error(opened.reason);
  opened.close();
  return opened.device;
}

function commandsFor({ software }: DeviceReport): Command[] {
  const here = fileURLToPath(new URL('./compute/', import.meta.url));
  const ours = (name: Name, ...args: string[]): Command => ({
    name,
    file: process.execPath,
    args: ['--expose-gc', `${here}ours.ts`, ...args],
    env: process.env,
  });
  const peer = (name: 'jax' | 'torch'): Command => ({
    name,
    file: options.python,
    args: [`${here}peers/${name}_cases.py`],
    env: { ...process.env, JAX_PLATFORMS: 'cuda', ADJOINT_BENCH_DEVICE: 'cuda' },
  });
  const hasPeers = !software && existsSync('/dev/nvidiactl');
  return [ours('gpu', '--gpu'), ours('ours'), ...(hasPeers ? [peer('jax'), peer('torch')] : [])];
}

async function measure(asked: Case, device: DeviceReport): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-bench-'));
  const contestants = commandsFor(device).map((command) => new Contestant(command));
  const times = new Map<Name, number[]>();
  const firsts = new Map<Name, Replies['first']>();
  try {
    const inputs = Object.entries(asked.inputs(randomOf(1))).map(([name, tensor]) =>
      toFile(name, tensor, join(folder, name)),
    );
    const question = {
      ask: 'prepare',
      title: titleOf(asked),
      computation: asked.computation,
      dtype: asked.dtype,
      inputs,
      nodes: asked.nodes ?? [],
      threads: availableParallelism(),
    } as const;
    for (const each of contestants)
      await orForfeit(asked, each, async () => {
        await each.ask(question, PATIENCE_SECONDS);
        mkdirSync(join(folder, each.name));
        firsts.set(each.name, await each.ask({ ask: 'first', folder: join(folder, each.name) }, PATIENCE_SECONDS));
        times.set(each.name, []);
      });
    compare(asked, firsts);
    // The first round is not counted.
    for (let round = -1; round < PACE.rounds; round++)
      for (const each of contestants.filter(({ name }) => firsts.has(name)))
        await orForfeit(asked, each, async () => {
          const { ms } = await each.ask({ ask: 'time', seconds: PACE.turn, most_seconds: PACE.slow }, PATIENCE_SECONDS);
          if (round >= 0) times.get(each.name)?.push(ms);
        });
  } finally {
    await Promise.all(contestants.map((each) => each.stop()));
    rmSync(folder, { recursive: true });
  }
  const time = (name: Name): number | null => {
    const measured = times.get(name) ?? [];
    return measured.length > 0 ? median(measured) : null;
  };
  return {
    case: asked.name,
    adapter: device.name,
    software: device.software,
    gpu_ms: time('gpu'),
    native_ms: time('ours'),
    jax_ms: time('jax'),
    torch_ms: time('torch'),
    gpu_first_call_ms: firsts.get('gpu')?.ms ?? null,
  };
}

/** Every contestant's results are those of every other one. */
function compare(asked: Case, firsts: ReadonlyMap<Name, Replies['first']>): void {
  const results = [...firsts].map(([name, { results: files }]) => [name, files.map(fromFile)] as const);
  for (const [i, left] of results.entries())
    for (const right of results.slice(i + 1)) {
      const difference = disagreement([...left], [...right], resultsOf(asked), asked.tolerance);
      if (difference !== undefined) wrong.push(`${titleOf(asked)}: ${difference}`);
    }
}

async function orForfeit(asked: Case, { name }: Contestant, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (reason) {
    if (!(reason instanceof Forfeit)) throw reason;
    process.stderr.write(`${titleOf(asked)}: ${name}: ${reason.message}\n`);
    if (name === 'gpu' || name === 'ours') process.exitCode = 1;
  }
}

await main();
