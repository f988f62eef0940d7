/** @file Starts the service, shows one real request and its answer, and keeps serving until Ctrl-C or SIGTERM. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 15_000;

const host = process.env.ADJOINT_HOST ?? '127.0.0.1';
const port = Number(process.env.ADJOINT_PORT ?? 8080);
const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Cell N2 of the GradientTape notebook: `y = x @ w + b`, `loss = mean(y ** 2)`, the gradient for `w` and `b`. */
const request = {
  graph: 'loss = mean((x @ w + b) ** 2)',
  values: {
    x: [[1, 2, 3]],
    w: [
      [0.1, 0.2],
      [0.3, 0.4],
      [0.5, 0.6],
    ],
    b: [0, 0],
  },
  sources: ['w', 'b'],
};

/** Why nothing can listen here, or undefined when the port is free. Asked first, so that the answer is one plain line. */
async function whyNotFree(): Promise<string | undefined> {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, 'listening');
    probe.close();
    await once(probe, 'close');
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') {
      return `Port ${port} on ${host} is taken: another program listens there. Stop it, or choose another port: ADJOINT_PORT=9080 npm run up`;
    }
    return `Cannot listen on ${host}, port ${process.env.ADJOINT_PORT ?? port}: ${(error as Error).message}`;
  }
}

async function untilReady(signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && !signal.aborted) {
    try {
      const reply = await fetch(`${origin}/readyz`, { signal: AbortSignal.any([signal, AbortSignal.timeout(1000)]) });
      await reply.body?.cancel();
      if (reply.status === 200) return;
    } catch {
      // Not listening yet.
    }
    await sleep(50);
  }
  throw new Error(`${origin}/readyz did not answer 200 within ${READY_WITHIN_MS / 1000} s`);
}

async function showExample(): Promise<void> {
  const body = JSON.stringify(request);
  const reply = await fetch(`${origin}/v1/gradient`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const text = await reply.text();
  if (reply.status !== 200) throw new Error(`POST /v1/gradient answered ${reply.status}: ${text}`);
  const { values, gradients } = JSON.parse(text) as { values: unknown; gradients: unknown };
  console.log(`
Adjoint serves on ${origin} (its reference page: ${origin}/docs).

The gradient of loss = mean((x @ w + b) ** 2) for w and b:

curl ${origin}/v1/gradient -H 'content-type: application/json' -d '${body}'

values     ${JSON.stringify(values)}
gradients  ${JSON.stringify(gradients)}

Ctrl-C stops the service.
`);
}

const busy = await whyNotFree();
if (busy !== undefined) {
  console.error(busy);
  process.exit(1);
}

const service = spawn(process.execPath, ['services/main.ts'], {
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, ADJOINT_HOST: host, ADJOINT_PORT: String(port) },
  // A process group of its own: a terminal sends Ctrl-C to every process of the group and npm sends it again, and a
  // service that is told twice rightly takes the second for "now". It hears from this process alone, and once.
  detached: true,
});
const exited = once(service, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;

let stopping = false;
function stop(): void {
  if (stopping) return;
  stopping = true;
  service.kill('SIGTERM');
  setTimeout(() => service.kill('SIGKILL'), STOP_WITHIN_MS).unref();
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);
process.on('SIGHUP', stop);
// Last resort, so that no way of leaving this process leaves a service behind.
process.on('exit', () => service.kill('SIGKILL'));

const ended = new AbortController();
let failed = false;
const shown = untilReady(ended.signal)
  .then(showExample)
  .catch((error: unknown) => {
    // While the service goes down, that the request fails is no news.
    if (stopping || ended.signal.aborted) return;
    console.error(error instanceof Error ? error.message : error);
    failed = true;
    stop();
  });

const [code, signal] = await exited;
ended.abort();
await shown;
if (!stopping)
  console.error(`The service ended by itself (${signal ?? `exit code ${code}`}); its last lines are above.`);
process.exit(stopping && !failed && code === 0 ? 0 : 1);
