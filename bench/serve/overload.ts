/**
 * @file Measures the service when it is asked for three times what it can do: `npm run bench:overload`, `-- --quick` for
 * a shorter time. What it can do is measured just before and just after, in a closed loop; between them requests come
 * when it is time, whatever became of those before, from one tenant, from several alike, and from a greedy one beside modest ones. Goodput should
 * stay within 10 % of the peak, the latency of what is accepted bounded, and who is refused be told when to come again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { filled, randomOf } from '../compute/inputs.ts';
import { Disturbance, treeOf } from '../processes.ts';
import { freePort, startService } from '../service.ts';
import { aligned, figure } from '../table.ts';
import { CASES, type Case } from './cases.ts';
import { gradientRequest } from './contestants.ts';
import { Generator } from './generator.ts';
import type { Outcome } from './load.ts';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });

const SECONDS = options.quick ? 6 : 15;

/** Requests that may be on their way at once; when they are, what is due is not sent any more. */
const CONNECTIONS = 2000;

const CAPACITY_CONNECTIONS = [16, 64];

/** What tenants ask for, in shares of what the service can do. */
const SCENARIOS: readonly { readonly name: string; readonly offered: readonly number[] }[] = [
  { name: 'one tenant', offered: [3] },
  { name: 'four alike', offered: [0.75, 0.75, 0.75, 0.75] },
  { name: 'a greedy one', offered: [2.4, 0.2, 0.2, 0.2] },
];

const KEYS = ['a', 'b', 'c', 'd'].map((tenant) => [tenant, `${tenant}-key-for-the-benchmark`] as const);

type Asked = Pick<Case, 'name' | 'graph' | 'inputs' | 'sources' | 'sentAs'>;

/** Little to send, much to compute. */
const HEAVY: Asked = {
  name: 'gradient of a sum over 1000 x 1000',
  graph: 'loss = sum(exp(-((x - y) ** 2)) * cos(x * y))',
  inputs: (() => {
    const random = randomOf(1);
    return {
      x: filled('float32', [1000, 1], () => random.normal()),
      y: filled('float32', [1, 1000], () => random.normal()),
    };
  })(),
  sources: ['x', 'y'],
  sentAs: 'bytes',
};

async function main(): Promise<void> {
  using generator = new Generator();
  for (const asked of [CASES[0] as Case, HEAVY]) {
    await using service = await startService(await freePort(), {
      ADJOINT_API_KEYS: KEYS.map((pair) => pair.join(':')).join(','),
    });
    process.stdout.write(`${asked.name}\n`);
    const connections = await bestConnections(service.url, asked, generator);
    let before = await capacity(service.url, asked, generator, connections);
    for (const { name, offered } of SCENARIOS) {
      const streams = offered.map((share, i) => ({
        request: gradientRequest(service.url, asked, KEYS[i]?.[1]),
        perSecond: share * before,
        connections: Math.ceil((CONNECTIONS * share) / offered.reduce((sum, each) => sum + each)),
      }));
      const disturbance = new Disturbance([...treeOf(service.pid), generator.pid]);
      const outcomes = await disturbance.during(generator.send({ loop: 'open', streams, seconds: SECONDS }));
      await sleep(1000);
      const after = await capacity(service.url, asked, generator, connections);
      report(name, before, (before + after) / 2, offered, outcomes);
      before = after;
      if (disturbance.share > 0.03)
        process.stderr.write(`other processes took ${figure(100 * disturbance.share)} % of the processors meanwhile\n`);
    }
  }
}

/** With how many connections a closed loop gets the most answers; what is measured here is warm afterwards. */
async function bestConnections(url: string, asked: Asked, generator: Generator): Promise<number> {
  let best = { connections: 0, perSecond: 0 };
  for (const connections of CAPACITY_CONNECTIONS) {
    await capacity(url, asked, generator, connections);
    const perSecond = await capacity(url, asked, generator, connections);
    if (perSecond > best.perSecond) best = { connections, perSecond };
  }
  return best.connections;
}

/** Requests a second that a closed loop of one tenant gets answered. */
async function capacity(url: string, asked: Asked, generator: Generator, connections: number): Promise<number> {
  const request = gradientRequest(url, asked, KEYS[0]?.[1]);
  const [outcome] = await generator.send({ loop: 'closed', request, connections, seconds: SECONDS });
  if (outcome.failed > 0) throw new Error(`${asked.name}: ${outcome.why}`);
  return outcome.perSecond;
}

/** `before` is what the offers are shares of, `peak` what the goodput is. */
function report(
  name: string,
  before: number,
  peak: number,
  offered: readonly number[],
  outcomes: readonly Outcome[],
): void {
  const head = [
    name,
    'offered/s',
    'accepted/s',
    'p50 ms',
    'p99 ms',
    'refused',
    'told when',
    'not sent',
    'failed',
    'why',
  ];
  const body = outcomes.map(({ perSecond, ms, accepted, refused, deferred, unsent, failed, why }, i) => {
    const all = accepted + refused + unsent + failed;
    const percent = (part: number, whole: number): string =>
      whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : '–';
    return [
      `tenant ${KEYS[i]?.[0]}`,
      figure((offered[i] as number) * before),
      figure(perSecond),
      figure(ms.p50),
      figure(ms.p99),
      percent(refused, all),
      percent(deferred, refused),
      percent(unsent, all),
      String(failed),
      why?.slice(0, 60) ?? '',
    ];
  });
  const goodput = outcomes.reduce((sum, { perSecond }) => sum + perSecond, 0);
  const share = goodput / peak;
  const verdict = share >= 0.9 ? 'within 10 %' : 'NOT within 10 %';
  process.stdout.write(
    `${aligned([head, ...body], 1)}goodput ${figure(goodput)}/s is ${figure(100 * share)} % of the peak of ` +
      `${figure(peak)}/s: ${verdict}; the generator was busy ${figure(100 * (outcomes[0]?.busy ?? 0))} %\n\n`,
  );
}

await main();
