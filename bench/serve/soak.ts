/**
 * @file Uses the service for a long time: `npm run bench:soak`, ten minutes or `-- --minutes N`. Clients ask over REST
 * and gRPC, with and without sessions, for known graphs and for new ones, and one request in a hundred is hostile. What
 * the service and its processes take of the machine is printed meanwhile. A line is fitted to the last two thirds: memory
 * is flat if it rises there by less than 5 % or 16 MiB, open files if by less than 8. Fails if they are not flat, if a
 * request failed that should not, or if a hostile one got anything but a client's error.
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ServiceError, status } from '@grpc/grpc-js';
import { type Random, randomOf } from '../compute/inputs.ts';
import { binaryBody, Connection, requestBytes } from '../connection.ts';
import { GrpcConnection, grpcMethod, grpcNames } from '../grpc.ts';
import { openFiles, residentBytes, treeOf } from '../processes.ts';
import { freePort, N2, percentile, startService } from '../service.ts';
import { aligned, figure } from '../table.ts';
import { CASES } from './cases.ts';
import { gradientMessage } from './contestants.ts';

const { values: options } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });

const SECONDS = Number(options.minutes) * 60;
const INTERVALS = 30;
const CLIENTS = 8;
const HOSTILE_SHARE = 0.01;

/** A client waits between its requests, for up to that long: the service is to be busy, not overloaded. */
const PAUSE_MS = 20;

/** How often the processes are looked at, and the service is asked whether it is well. */
const PROBE_MS = 200;

const SMALL = CASES[0]!;

/** One client's connections. */
interface Client {
  readonly url: string;
  readonly rest: Connection;
  readonly grpc: GrpcConnection;
  readonly random: Random;
}

/** What clients ask, and how often of a hundred; throws if the answer is not as it should be. */
const FRIENDLY: readonly (readonly [share: number, ask: (client: Client) => Promise<void>])[] = [
  [40, async ({ rest }) => checkGradient(await rest.post('/v1/gradient', N2))],
  [25, ({ grpc }) => overGrpc(grpc)],
  [3, newGraph],
  [12, bytes],
  [20, session],
];

/** Requests that no one should send; what is wrong with the answer, if anything. */
const HOSTILE: readonly ((client: Client) => Promise<void>)[] = [
  (client) =>
    refused(client, requestBytes('POST', `${client.url}/v1/gradient`, '{"graph": "y = x", "values": {"x": [[')),
  (client) => refused(client, gradientWith(client, { w: [[1, 2, 3, 4]] })),
  (client) => refused(client, gradientWith(client, { w: [[1, 2], [3]] })),
  oversize,
  (client) => hangUp(client, 0.5),
  (client) => hangUp(client, 1),
  wrongMessage,
];

const counts = { friendly: 0, refused: 0, hostile: 0 };
const failures = new Map<string, number>();

/** What was seen in one look at the service. */
interface Look {
  readonly seconds: number;
  readonly bytes: number;
  readonly files: number;
  readonly processes: number;
  /** How long it took to say that it is well. */
  readonly healthMs: number;
}

async function main(): Promise<void> {
  const [port, grpcPort] = [await freePort(), await freePort()];
  await using service = await startService(port, {
    ADJOINT_GRPC_PORT: String(grpcPort),
    // What is remembered of graphs is full soon, not only when it has grown all the time.
    ADJOINT_ENGINE_MEMORY: String(64 * 2 ** 20),
    ADJOINT_CODE_CACHE: 'off',
  });
  const end = performance.now() + SECONDS * 1000;
  const clients = Array.from({ length: CLIENTS }, async (_, i) => {
    const random = randomOf(i + 1);
    const rest = new Connection(service.url);
    const client = { url: service.url, rest, grpc: new GrpcConnection(`127.0.0.1:${grpcPort}`), random };
    while (performance.now() < end) {
      await ask(client);
      await sleep(random.uniform(0, PAUSE_MS));
    }
    client.rest.close();
    client.grpc.close();
  });
  const looks = await lookOn(service.url, service.pid, end);
  await Promise.all(clients);
  judge(looks);
}

async function ask(client: Client): Promise<void> {
  const isHostile = client.random.uniform(0, 1) < HOSTILE_SHARE;
  const hostile = HOSTILE[Math.floor(client.random.uniform(0, HOSTILE.length))]!;
  try {
    await (isHostile ? hostile(client) : friendly(client.random)(client));
    counts[isHostile ? 'hostile' : 'friendly']++;
  } catch (reason) {
    const { message } = reason as Error;
    if (/\b(429|503|RESOURCE_EXHAUSTED|UNAVAILABLE)\b/.test(message)) counts.refused++;
    else failures.set(message, (failures.get(message) ?? 0) + 1);
  }
}

function friendly(random: Random): (client: Client) => Promise<void> {
  let drawn = random.uniform(0, 100);
  for (const [share, asks] of FRIENDLY) {
    if (drawn < share) return asks;
    drawn -= share;
  }
  throw new Error('the shares are no hundred');
}

function checkGradient(reply: unknown): void {
  const { gradients } = reply as { gradients: unknown };
  const expected = '[[[1,5.5],[2,11],[3,16.5]],[1,5.5]]';
  if (JSON.stringify(gradients) !== expected) throw new Error(`the gradients are ${JSON.stringify(gradients)}`);
}

async function overGrpc(grpc: GrpcConnection): Promise<void> {
  const { path, message, read } = gradientMessage(SMALL);
  const { b } = read(await grpc.exchange(path, message));
  if (b?.data.join() !== '1,5.5') throw new Error(`over gRPC the gradient for b is ${b?.data}`);
}

/** A graph that was never seen before. */
async function newGraph({ rest, random }: Client): Promise<void> {
  const graph = `loss = ${random.uniform(1, 2)} * mean((x @ w + b) ** 2)`;
  await rest.post('/v1/gradient', { ...N2, graph });
}

/** A quarter of a MiB there and back. */
async function bytes({ rest }: Client): Promise<void> {
  const x = new Float32Array(2 ** 16).fill(0.5);
  const tensor = { dtype: 'float32', shape: [256, 256], binary_data_size: x.byteLength };
  const json = {
    graph: 'loss = sum(tanh(x @ x))',
    values: { x: tensor },
    sources: ['x'],
    options: { encoding: 'binary' },
  };
  await rest.postBinary('/v1/gradient', json, [x]);
}

/** A session with variables and a tape, which is asked over both ports, and deleted. */
async function session({ rest, grpc }: Client): Promise<void> {
  const { x, w, b } = N2.values;
  const variables = { w: { value: w }, b: { value: b } };
  const opened = (await rest.post('/v1/sessions', { variables })) as { session: { session: string } };
  const at = `/v1/sessions/${opened.session.session}`;
  await rest.post(`${at}/tapes`, { tape: 't', persistent: true });
  await rest.post(`${at}/tapes/t/record`, { graph: N2.graph, values: { x } });
  checkGradient(await rest.post(`${at}/tapes/t/gradient`, { targets: 'loss', sources: N2.sources }));
  await rest.post(`${at}/variables/b/assign_add`, { value: [1, 1] });
  const { path, requestSerialize } = grpcMethod('TapeService', 'TapeGradient');
  const asked = { session: opened.session.session, tape: 't', targets: ['loss'], sources: grpcNames(N2.sources) };
  await grpc.exchange(path, requestSerialize(asked));
  await rest.send('DELETE', at);
}

/** A request that needs to be answered with a client's error. */
async function refused({ rest }: Client, request: Buffer): Promise<void> {
  const { status, body } = await rest.exchange(request);
  if (status < 400 || status >= 500)
    throw new Error(`a hostile request got ${status}: ${body.toString().slice(0, 200)}`);
}

function gradientWith({ url }: Client, values: object): Buffer {
  return requestBytes('POST', `${url}/v1/gradient`, JSON.stringify({ ...N2, values: { ...N2.values, ...values } }));
}

/** More than a body may have, of which only the first bytes are sent. */
async function oversize(client: Client): Promise<void> {
  const headers = { 'content-length': String(2 ** 40) };
  const alone = { ...client, rest: new Connection(client.url) };
  await refused(alone, requestBytes('POST', `${client.url}/v1/gradient`, Buffer.alloc(2 ** 16, ' '), headers));
  alone.rest.close();
}

/** A large request of which a share is sent, by a client that does not wait for an answer. */
async function hangUp({ url }: Client, share: number): Promise<void> {
  const x = new Float32Array(2 ** 18);
  const tensor = { dtype: 'float32', shape: [512, 512], binary_data_size: x.byteLength };
  const { body, headers } = binaryBody({ graph: 'loss = sum(x @ x)', values: { x: tensor }, sources: ['x'] }, [x]);
  const request = requestBytes('POST', `${url}/v1/gradient`, body, headers);
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  // The service may be the first to hang up.
  socket.on('error', () => {});
  socket.on('close', () => resolve());
  socket.write(request.subarray(0, request.length * share), () => setTimeout(() => socket.destroy(), 2));
  await promise;
}

/** A tensor without the bytes that its shape asks for. */
async function wrongMessage({ grpc }: Client): Promise<void> {
  const { path, requestSerialize } = grpcMethod('AutodiffService', 'Evaluate');
  const x = { dtype: 'DTYPE_FLOAT32', shape: [1000], data: Buffer.alloc(8) };
  const code = await grpc.exchange(path, requestSerialize({ graph: { text: 'y = x' }, values: { x } })).then(
    () => status.OK,
    (reason: ServiceError) => reason.code,
  );
  if (code !== status.INVALID_ARGUMENT) throw new Error(`a hostile message got ${status[code]}`);
}

/** Looks at the service until the end, and prints what it saw now and then. */
async function lookOn(url: string, pid: number, end: number): Promise<Look[]> {
  const started = performance.now();
  const connection = new Connection(url);
  const looks: Look[] = [];
  let printed = 0;
  process.stdout.write(`${HEAD.join('  ')}\n`);
  while (performance.now() < end) {
    const asked = performance.now();
    await connection.send('GET', '/healthz');
    const healthMs = performance.now() - asked;
    const tree = treeOf(pid);
    const bytes = tree.reduce((sum, each) => sum + (residentBytes(each, 'VmRSS') ?? 0), 0);
    const files = tree.reduce((sum, each) => sum + openFiles(each), 0);
    looks.push({ seconds: (asked - started) / 1000, bytes, files, processes: tree.length, healthMs });
    if ((asked - started) / 1000 >= ((printed + 1) * SECONDS) / INTERVALS) {
      process.stdout.write(lineOf(looks.slice(-Math.ceil((SECONDS * 1000) / INTERVALS / PROBE_MS))));
      printed++;
    }
    await sleep(PROBE_MS);
  }
  connection.close();
  return looks;
}

const HEAD = ['seconds', '   MiB', 'files', 'processes', 'health p50 ms', 'most ms', ' requests'];

function lineOf(looks: readonly Look[]): string {
  const { seconds, files, processes } = looks.at(-1)!;
  const health = looks.map(({ healthMs }) => healthMs);
  const mebibytes = percentile(
    looks.map(({ bytes }) => bytes / 2 ** 20),
    0.5,
  );
  const cells = [
    seconds.toFixed(0),
    mebibytes.toFixed(1),
    String(files),
    String(processes),
    figure(percentile(health, 0.5)),
    figure(Math.max(...health)),
    String(counts.friendly + counts.hostile),
  ];
  return `${cells.map((cell, i) => cell.padStart(HEAD[i]!.length)).join('  ')}\n`;
}

/** Says what came of it, and fails if it should not have. */
function judge(looks: readonly Look[]): void {
  const settled = looks.filter(({ seconds }) => seconds > SECONDS / 3);
  const health = settled.map(({ healthMs }) => healthMs);
  const memory = riseOf(settled, ({ bytes }) => bytes / 2 ** 20);
  const files = riseOf(settled, (look) => look.files);
  const isMemoryFlat = memory.rise < Math.max(16, 0.05 * memory.mean);
  const areFilesFlat = files.rise < 8;
  const rows = [
    ['in the last two thirds', 'mean', 'rise', 'rise an hour', ''],
    ['memory, MiB', figure(memory.mean), figure(memory.rise), figure(memory.hourly), flat(isMemoryFlat)],
    ['open files', figure(files.mean), figure(files.rise), figure(files.hourly), flat(areFilesFlat)],
  ];
  const [p50, p99] = [percentile(health, 0.5), percentile(health, 0.99)];
  process.stdout.write(
    `\n${aligned(rows, 1)}GET /healthz: p50 ${figure(p50)} ms, p99 ${figure(p99)} ms, most ${figure(Math.max(...health))} ms\n` +
      `${counts.friendly} requests answered, ${counts.refused} refused, ${counts.hostile} hostile ones survived\n`,
  );
  for (const [message, times] of failures) process.stderr.write(`FAILED ${times} times: ${message}\n`);
  if (!isMemoryFlat || !areFilesFlat || failures.size > 0) process.exitCode = 1;
}

function flat(isFlat: boolean): string {
  return isFlat ? 'flat' : 'NOT FLAT';
}

/** By how much the line of least squares through the looks rises from the first to the last, and in an hour. */
function riseOf(
  looks: readonly Look[],
  of: (look: Look) => number,
): { readonly mean: number; readonly rise: number; readonly hourly: number } {
  const meanOf = (value: (look: Look) => number): number =>
    looks.reduce((sum, look) => sum + value(look), 0) / looks.length;
  const [time, mean] = [meanOf(({ seconds }) => seconds), meanOf(of)];
  const slope =
    meanOf((look) => (look.seconds - time) * (of(look) - mean)) / meanOf(({ seconds }) => (seconds - time) ** 2);
  return { mean, rise: slope * (looks.at(-1)!.seconds - looks[0]!.seconds), hourly: slope * 3600 };
}

await main();
