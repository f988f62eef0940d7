/**
 * @file Measures what batching gives at 64 clients: `npm run bench:batching`, `-- --quick` for a shorter time,
 * `--windows`, `--size`, `--clients`, `--device` and `--cases` (a part of their names) for others. The same service with
 * several windows, none first, each a set of processes of its own; they take turns, and a figure is the
 * median of its rounds. Processor time for a request is told too: it is what the machine is left with for others, and
 * does not depend on what else runs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Tensor } from '../../engine/types.ts';
import { filled, randomOf } from '../compute/inputs.ts';
import { median } from '../compute/timed.ts';
import { Disturbance, secondsOf, treeOf } from '../processes.ts';
import { freePort, type Server, startService } from '../service.ts';
import { aligned, figure } from '../table.ts';
import { CASES } from './cases.ts';
import { type Asked, gradientRequest } from './contestants.ts';
import { Generator } from './generator.ts';
import { lineFor } from './line.ts';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    clients: { type: 'string', default: '64' },
    windows: { type: 'string', default: '0,200,1000' },
    size: { type: 'string', default: '32' },
    device: { type: 'string', default: 'auto' },
    cases: { type: 'string', default: '' },
  },
});

const CLIENTS = Number(options.clients);
const WINDOWS = options.windows.split(',');
const ROUNDS = options.quick ? 3 : 7;
const SECONDS = options.quick ? 1.5 : 4;

/** Milliseconds between two looks at how large the batches are. */
const LOOK_MS = 10;

type Named = Asked & { readonly name: string };

/** Many small steps, one after the other: a pendulum. */
function pendulum(steps: number): Named {
  const node = (name: string, op: string, ...inputs: (string | number)[]) => ({ name, op, inputs });
  const body = {
    inputs: ['at', 'speed'],
    nodes: [
      node('sine', 'sin', 'at'),
      node('pull', 'mul', 'sine', 'g'),
      node('change', 'mul', 'pull', -0.001),
      node('faster', 'add', 'speed', 'change'),
      node('way', 'mul', 'faster', 0.001),
      node('there', 'add', 'at', 'way'),
    ],
    outputs: ['there', 'faster'],
  };
  return {
    name: `pendulum, ${steps} steps`,
    graph: {
      inputs: { at0: {}, speed0: {}, g: {} },
      nodes: [{ name: 'end', op: 'scan', inputs: ['at0', 'speed0'], params: { carry: 2, length: steps, body } }],
      outputs: ['end'],
    },
    inputs: {
      at0: filled('float32', [], () => 0.5),
      speed0: filled('float32', [], () => 0.1),
      g: filled('float32', [], () => 9.81),
    },
    sources: ['at0', 'speed0', 'g'],
    sentAs: 'text',
  };
}

/** A perceptron whose weights come with the request. */
function perceptron(batch: number, width: number): Named {
  const random = randomOf(1);
  const normal = (...shape: number[]): Tensor => filled('float32', shape, () => random.normal() / 8);
  return {
    name: `MLP ${width}-${width}-${width}-1, batch ${batch}`,
    graph: 'h1 = relu(x @ w1 + b1); h2 = relu(h1 @ w2 + b2); loss = mean((h2 @ w3) ** 2)',
    inputs: {
      x: normal(batch, width),
      w1: normal(width, width),
      b1: normal(width),
      w2: normal(width, width),
      b2: normal(width),
      w3: normal(width, 1),
    },
    sources: ['w1', 'b1', 'w2', 'b2', 'w3'],
    sentAs: 'text',
  };
}

const ASKED: readonly Named[] = [CASES[0] as Named, perceptron(64, 32), pendulum(3000), pendulum(10_000)];

interface Cell {
  readonly window: string;
  readonly server: Server;
  readonly perSecond: number[];
  readonly p50: number[];
  readonly p99: number[];
  /** Milliseconds of processor time for a request. */
  readonly cost: number[];
  readonly sizes: number[];
}

async function main(): Promise<void> {
  using generator = new Generator();
  for (const asked of ASKED.filter(({ name }) => name.includes(options.cases))) {
    await using stack = new AsyncDisposableStack();
    const cells: Cell[] = [];
    for (const window of WINDOWS) {
      const server = await startService(await freePort(), {
        ADJOINT_BATCH_WINDOW_US: window,
        ADJOINT_BATCH_SIZE: options.size,
        // What is small goes to workers, too.
        ADJOINT_INLINE_FLOPS: '0',
      });
      stack.use(server);
      cells.push({ window, server, perSecond: [], p50: [], p99: [], cost: [], sizes: [] });
    }
    for (const cell of cells) await turn({ ...cell, perSecond: [], p50: [], p99: [], cost: [] }, asked, generator);
    for (const { sizes } of cells) sizes.length = 0;
    const disturbance = new Disturbance(cells.flatMap(({ server }) => treeOf(server.pid)).concat(generator.pid));
    for (let round = 0; round < ROUNDS; round++)
      for (const cell of cells) await disturbance.during(turn(cell, asked, generator));
    report(asked, cells, disturbance.share);
  }
}

async function turn(cell: Cell, asked: Named, generator: Generator): Promise<void> {
  const { server } = cell;
  const request = gradientRequest(server.url, asked, undefined, options.device);
  let isOver = false;
  const look = async (): Promise<void> => {
    const line = lineFor(request);
    for (; !isOver; await sleep(LOOK_MS)) {
      const answer = await line.ask();
      if (answer.outcome === 'accepted') cell.sizes.push(JSON.parse(answer.reply.body.toString()).meta.batch ?? 1);
    }
    line.close();
  };
  const spent = (): number => treeOf(server.pid).reduce((sum, pid) => sum + secondsOf(pid), 0);
  const before = spent();
  const looking = look();
  const [outcome] = await generator.send({ loop: 'closed', request, connections: CLIENTS, seconds: SECONDS });
  isOver = true;
  await looking;
  if (outcome.failed > 0) throw new Error(`${asked.name}: ${outcome.why}`);
  cell.cost.push((1000 * (spent() - before)) / outcome.accepted);
  cell.perSecond.push(outcome.perSecond);
  cell.p50.push(outcome.ms.p50);
  cell.p99.push(outcome.ms.p99);
}

function report({ name }: Named, cells: readonly Cell[], share: number): void {
  const head = [`${name}: window µs`, 'requests/s', 'p50 ms', 'p99 ms', 'cpu ms each', 'batch, mean'];
  const body = cells.map(({ window, perSecond, p50, p99, cost, sizes }) => [
    window,
    ...[perSecond, p50, p99, cost].map((figures) => figure(median(figures))),
    figure(sizes.reduce((sum, size) => sum + size, 0) / sizes.length),
  ]);
  process.stdout.write(`${aligned([head, ...body], 1)}\n`);
  if (share > 0.03)
    process.stderr.write(`other processes took ${figure(100 * share)} % of the processors meanwhile\n\n`);
}

await main();
