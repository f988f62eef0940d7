/**
 * @file Measures the service as a client sees it, and the engine alone. `npm run bench:serve`; `-- --quick` measures
 * for a shorter time. Starts the service as a process of its own; prints one table. Times on shared machines vary: every
 * figure is a median of rounds, and the rounds of all rows are interleaved.
 */
import { Agent, request } from 'node:http';
import autocannon from 'autocannon';
import { derive, withoutShifts } from '../engine/derive.ts';
import { createEngine } from '../engine/engine.ts';
import { build } from '../engine/program/build.ts';
import { Value } from '../engine/program/value.ts';
import { N2 as N2_REQUEST, startService } from './service.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 3 : 5;
const SECONDS = quick ? 2 : 5;
const PORT = 18_080;
const URL = `http://127.0.0.1:${PORT}`;

const N2 = JSON.stringify(N2_REQUEST);

interface Row {
  readonly what: string;
  readonly unit: string;
  /** One measurement. */
  measure(): Promise<number>;
}

async function main(): Promise<void> {
  await using _service = await startService(PORT, { ADJOINT_DATA: 'memory' });
  const rows = [...requestRows(), ...echoRows(), chainRow(), ...engineRows()];
  const samples = rows.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [i, row] of rows.entries()) (samples[i] as number[]).push(await row.measure());
  print(rows.map(({ what, unit }, i) => [what, summary(samples[i] as number[]), unit]));
}

/** Requests a second of N2 over keep-alive connections by autocannon, and its latency by a client with a finer clock. */
function requestRows(): Row[] {
  return [1, 16].flatMap((connections) => {
    const title = `N2 gradient, ${connections} connection${connections === 1 ? '' : 's'}`;
    let latencies: readonly number[] = [];
    const percentile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
    return [
      { what: title, unit: 'requests/s', measure: () => throughput(connections) },
      {
        what: `${title}, p50`,
        unit: 'ms',
        measure: async () => {
          latencies = await latenciesOf(connections);
          return percentile(0.5);
        },
      },
      { what: `${title}, p99`, unit: 'ms', measure: async () => percentile(0.99) },
    ];
  });
}

async function throughput(connections: number): Promise<number> {
  const result = await autocannon({
    url: `${URL}/v1/gradient`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: N2,
    connections,
    duration: SECONDS,
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`N2: ${result.non2xx} refused, ${result.errors} failed`);
  return result.requests.average;
}

/** Milliseconds from sending to the end of the reply, increasing. */
async function latenciesOf(connections: number): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const latencies: number[] = [];
  const connection = async (): Promise<void> => {
    for (let i = 0; i < (quick ? 500 : 2000); i++) {
      const started = performance.now();
      await postN2(agent);
      latencies.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: connections }, connection));
  agent.destroy();
  return latencies.sort((a, b) => a - b);
}

function postN2(agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(N2) };
    const sent = request(`${URL}/v1/gradient`, { method: 'POST', agent, headers }, (reply) => {
      reply.resume();
      reply.on('end', () => (reply.statusCode === 200 ? resolve() : reject(new Error(`N2: ${reply.statusCode}`))));
    });
    sent.on('error', reject);
    sent.end(N2);
  });
}

/** A 16 MiB float64 tensor sent, passed through a graph, and sent back. */
function echoRows(): Row[] {
  const values = Float64Array.from({ length: 2 ** 21 }, (_, i) => Math.sin(i + 1));
  const bytes = values.byteLength;
  const document = { dtype: 'float64', inputs: { x: {} }, nodes: [{ name: 'y', op: 'identity', inputs: ['x'] }] };
  const json = JSON.stringify({ graph: document, values: { x: [...values] } });
  const head = Buffer.from(
    JSON.stringify({
      graph: document,
      values: { x: { dtype: 'float64', shape: [values.length], binary_data_size: bytes } },
      options: { encoding: 'binary' },
    }),
  );
  const binary = Buffer.concat([head, Buffer.from(values.buffer)]);
  const send = async (body: string | Buffer, headers: Record<string, string>): Promise<number> => {
    const started = performance.now();
    const reply = await fetch(`${URL}/v1/evaluate`, { method: 'POST', headers, body });
    const answer = await reply.arrayBuffer();
    if (!reply.ok) throw new Error(`echo: ${Buffer.from(answer).toString('utf8').slice(0, 300)}`);
    return (2 * bytes) / 2 ** 20 / ((performance.now() - started) / 1000);
  };
  return [
    {
      what: 'echo of 16 MiB float64, JSON',
      unit: 'MiB/s of tensor, both ways',
      measure: () => send(json, { 'content-type': 'application/json' }),
    },
    {
      what: 'echo of 16 MiB float64, binary',
      unit: 'MiB/s of tensor, both ways',
      measure: () =>
        send(binary, {
          'content-type': 'application/octet-stream',
          'inference-header-content-length': String(head.length),
        }),
    },
  ];
}

/** From body to reply: the gradient of a chain of 100,000 nodes that the service has not seen before. */
function chainRow(): Row {
  let round = 0;
  return {
    what: 'gradient of 100,000 nodes, never seen before',
    unit: 'ms',
    measure: async () => {
      const start = 0.5 + round++ / 1000;
      const ops = ['sin', 'tanh', 'cos', 'mul'];
      const nodes = Array.from({ length: 100_000 }, (_, i) => {
        const op = ops[i % ops.length] as string;
        const before = i === 0 ? 'x' : `n${i - 1}`;
        return { name: `n${i}`, op, inputs: op === 'mul' ? [before, 1 + start] : [before] };
      });
      const body = JSON.stringify({ graph: { inputs: { x: {} }, nodes }, values: { x: start }, sources: ['x'] });
      const started = performance.now();
      const reply = await fetch(`${URL}/v1/gradient`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      const answer = await reply.text();
      if (!reply.ok) throw new Error(`chain: ${answer.slice(0, 300)}`);
      return performance.now() - started;
    },
  };
}

/** The engine without the service: a compiled gradient of x², and compiling it. */
function engineRows(): Row[] {
  const engine = createEngine();
  const document = engine.readGraph('y = x ** 2');
  const values = new Map([['x', new Value('float32', [], Float32Array.of(3))]]);
  const compile = () => {
    const graph = build(document, values, engine.limits);
    const derived = derive(graph, ['y'], [{ kind: 'gradient', targets: ['y'], sources: ['x'] }], engine.limits);
    return engine.compile(withoutShifts(derived).program);
  };
  const compiled = compile();
  const input = [Float32Array.of(3)];
  const timed = (times: number, work: () => void): number => {
    for (let i = 0; i < times / 10; i++) work();
    const started = performance.now();
    for (let i = 0; i < times; i++) work();
    return ((performance.now() - started) * 1000) / times;
  };
  return [
    {
      what: 'engine only: value and gradient of x²',
      unit: 'µs',
      measure: async () => timed(200_000, () => void compiled.run(input)),
    },
    {
      what: 'engine only: check, differentiate and compile x²',
      unit: 'µs',
      measure: async () => timed(500, () => void compile()),
    },
  ];
}

function summary(samples: readonly number[]): string {
  const sorted = [...samples].sort((a, b) => a - b);
  const figure = (value: number): string => value.toLocaleString('en', { maximumSignificantDigits: 3 });
  const median = sorted[Math.floor(sorted.length / 2)] as number;
  return `${figure(median)}  (${figure(sorted[0] as number)}–${figure(sorted.at(-1) as number)})`;
}

function print(rows: readonly (readonly string[])[]): void {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  for (const [what, figure, unit] of rows as [string, string, string][])
    process.stdout.write(`${what.padEnd(widths[0] as number)}  ${figure.padStart(widths[1] as number)}  ${unit}\n`);
}

await main();
