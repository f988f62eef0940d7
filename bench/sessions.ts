/**
 * @file Sessions and tapes: what a kept tape saves, what a round trip and a durable write cost.
 * `npm run bench:sessions`, `-- --quick` for a short one. All samples are of one run, interleaved.
 */
import { binaryBody, Connection } from './connection.ts';
import { freePort, percentile, startService } from './service.ts';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 5 : 25;
const TRIPS = quick ? 200 : 2000;

/** Samples in milliseconds by what they are of. */
const samples = new Map<string, number[]>();

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  const known = samples.get(what) ?? [];
  known.push(performance.now() - started);
  samples.set(what, known);
  return result;
}

function print(what: string): void {
  const known = samples.get(what) as number[];
  const figure = (share: number): string => percentile(known, share).toPrecision(3).padStart(8);
  process.stdout.write(`${what.padEnd(66)} p50 ${figure(0.5)}  p99 ${figure(0.99)} ms  (${known.length})\n`);
}

function ratio(what: string, a: string, b: string): void {
  const value = percentile(samples.get(a) as number[], 0.5) / percentile(samples.get(b) as number[], 0.5);
  process.stdout.write(`${what.padEnd(66)} ${value.toPrecision(3)}\n`);
}

function normal(size: number, scale: number, seed: number): Float32Array {
  return Float32Array.from({ length: size }, (_, i) => scale * Math.sin((i + 1) * 12.9898 + seed * 78.233));
}

/** A multilayer perceptron of `DEPTH` layers of `WIDTH`, on a batch. */
const DEPTH = 16;
const WIDTH = 512;
const BATCH = 128;

const FORWARD = 'record the graph: forward pass, residuals kept';
const FIRST = 'first gradient of the tape, for all weights';
const SECOND = 'second gradient of the tape, for all weights';
const ONE = 'gradient of the tape for the last weight alone';
const STATELESS = 'the same gradient, everything sent (binary)';

/** A deep network: its tape is asked twice, and the same is asked without a session. */
async function deepNetwork(connection: Connection): Promise<void> {
  const names = Array.from({ length: DEPTH }, (_, i) => `w${i}`);
  const weights = names.map((_, i) => normal(WIDTH * WIDTH, 1 / Math.sqrt(WIDTH), i));
  const x = normal(BATCH * WIDTH, 1, 99);
  const lines = names.map((name, i) => `h${i + 1} = tanh(${i === 0 ? 'x' : `h${i}`} @ ${name})`);
  const graph = `${lines.join('\n')}\nloss = mean(h${DEPTH} ** 2)`;
  const tensor = (shape: number[], data: Float32Array) => ({
    dtype: 'float32',
    shape,
    binary_data_size: data.byteLength,
  });
  const variables = Object.fromEntries(
    names.map((name, i) => [name, { value: tensor([WIDTH, WIDTH], weights[i] as Float32Array) }]),
  );
  const opened = JSON.parse((await connection.postBinary('/v1/sessions', { variables }, weights)).toString());
  const tapes = `/v1/sessions/${opened.session.session}/tapes`;
  const options = { encoding: 'binary' };
  const values = { x: tensor([BATCH, WIDTH], x) };
  const all = { ...values, ...Object.fromEntries(names.map((name) => [name, tensor([WIDTH, WIDTH], x)])) };
  for (const [i, name] of names.entries()) all[name as 'x'] = tensor([WIDTH, WIDTH], weights[i] as Float32Array);
  const stateless = { graph, values: all, sources: names, options };
  for (let round = -2; round < ROUNDS; round++) {
    await connection.post(tapes, { tape: 't', persistent: true });
    const measure = <T>(what: string, work: () => Promise<T>): Promise<T> => (round < 0 ? work() : timed(what, work));
    await measure(FORWARD, () => connection.postBinary(`${tapes}/t/record`, { graph, values }, [x]));
    const ask = (sources: readonly string[]): Promise<Buffer> =>
      connection.send('POST', `${tapes}/t/gradient`, JSON.stringify({ targets: 'loss', sources, options }));
    await measure(FIRST, () => ask(names));
    const second = await measure(SECOND, () => ask(names));
    if (!second.subarray(0, 4000).includes('"forward_passes":0')) {
      const meta = /"meta":\{[^}]*\}/.exec(second.toString('latin1'))?.[0];
      if (meta?.includes('"forward_passes":0') !== true) throw new Error(`the forward pass was repeated: ${meta}`);
    }
    await measure(ONE, () => ask([names.at(-1) as string]));
    await measure(STATELESS, () => connection.postBinary('/v1/gradient', stateless, [x, ...weights]));
    await connection.send('DELETE', `${tapes}/t`);
  }
  process.stdout.write(`${DEPTH} layers of ${WIDTH}, batch ${BATCH}; replies hold ${DEPTH} MiB of gradients\n`);
  for (const what of [FORWARD, FIRST, SECOND, ONE, STATELESS]) print(what);
  ratio('second gradient / stateless', SECOND, STATELESS);
  ratio('second gradient / first gradient', SECOND, FIRST);
}

/** Small requests: what a session costs beside a stateless call. */
async function roundTrips(connection: Connection): Promise<void> {
  const { session } = (
    (await connection.post('/v1/sessions', {
      variables: {
        w: {
          value: [
            [1, 2],
            [3, 4],
            [5, 6],
          ],
        },
        b: { value: [0, 0] },
        n: { value: 0, trainable: false },
      },
    })) as { session: { session: string } }
  ).session;
  const at = `/v1/sessions/${session}`;
  const graph = 'loss = mean((x @ w + b) ** 2)';
  const x = [[1, 2, 3]];
  await connection.post(`${at}/tapes`, { tape: 't', persistent: true });
  await connection.post(`${at}/tapes/t/record`, { graph, values: { x } });
  const stateless = {
    graph,
    values: {
      x,
      w: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      b: [0, 0],
    },
    sources: ['w', 'b'],
  };
  for (let i = 0; i < TRIPS; i++) {
    await timed('N2, stateless', () => connection.post('/v1/gradient', stateless));
    await timed('N2, gradient of a kept tape', () =>
      connection.post(`${at}/tapes/t/gradient`, { targets: 'loss', sources: ['w', 'b'] }),
    );
    await timed('read a variable', () => connection.send('GET', `${at}/variables/w`));
    await timed('assign_add to a scalar, durable', () => connection.post(`${at}/variables/n/assign_add`, { value: 1 }));
    if (i % 4 !== 0) continue;
    await timed('open a tape, record N2, gradient, delete (4 requests, 3 durable)', async () => {
      await connection.post(`${at}/tapes`, { tape: 's' });
      await connection.post(`${at}/tapes/s/record`, { graph, values: { x } });
      await connection.post(`${at}/tapes/s/gradient`, { targets: 'loss', sources: ['w', 'b'] });
      await connection.send('DELETE', `${at}/tapes/s`);
    });
  }
  process.stdout.write('\nsmall requests, one connection\n');
  for (const what of samples.keys()) if (!NETWORK.has(what)) print(what);
}

const NETWORK: ReadonlySet<string> = new Set([FORWARD, FIRST, SECOND, ONE, STATELESS]);

/** Variables of several sizes, written with other content each time. */
async function durableWrites(connection: Connection): Promise<void> {
  const { session } = ((await connection.post('/v1/sessions', {})) as { session: { session: string } }).session;
  process.stdout.write('\n');
  for (const [size, times] of [
    [4096, 300],
    [262_144, 100],
    [4_194_304, 30],
  ] as const) {
    const what = `durable write of a variable of ${size / 1024} KiB`;
    for (let i = 0; i < (quick ? times / 10 : times); i++) {
      const data = normal(size / 4, 1, i);
      const json = {
        value: { dtype: 'float32', shape: [data.length], binary_data_size: data.byteLength },
        version: '*',
      };
      const { body, headers } = binaryBody(json, [data]);
      await timed(what, () => connection.send('PUT', `/v1/sessions/${session}/variables/v${size}`, body, headers));
    }
    print(what);
  }
}

async function main(): Promise<void> {
  await using service = await startService(await freePort());
  const connection = new Connection(service.url);
  await deepNetwork(connection);
  await roundTrips(connection);
  await durableWrites(connection);
  connection.close();
}

await main();
