import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Reply, type Serving, serve, until } from './service.ts';

/** Clients that send good requests one after another until they are told to stop; what they were answered. */
function load(service: Serving, clients: number): { readonly replies: readonly Reply[]; stop(): Promise<Reply[]> } {
  let isOver = false;
  const replies: Reply[] = [];
  const client = async (own: number): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      const x = own * 1000 + i;
      const reply = await service.send('POST', '/v1/gradient', {
        graph: `y = x ** 2 + ${own}`,
        values: { x },
        sources: ['x'],
        options: { timeout_ms: 60_000 },
      });
      // Only what is right counts as an answer.
      if (reply.status === 200) expect(reply.body.gradients).toEqual([2 * x]);
      replies.push(reply);
    }
  };
  const done = Promise.all(Array.from({ length: clients }, (_, own) => client(own)));
  return {
    replies,
    async stop() {
      isOver = true;
      await done;
      return replies;
    },
  };
}

const failed = (replies: readonly Reply[]): Reply[] => replies.filter(({ status }) => status !== 200);

/** A good request, answered as ever. */
async function expectWell(service: Serving): Promise<void> {
  const reply = await service.send('POST', '/v1/evaluate', { graph: 'y = x + 1', values: { x: 2 } });
  expect([reply.status, reply.body.values]).toEqual([200, { y: 3 }]);
}

test('workers end with the service, even one that hears nothing', async () => {
  const service = await serve({}, true);
  const hang = { graph: 'y = fault_hang(x)', values: { x: 1 } };
  const cut = service.send('POST', '/v1/evaluate', hang).catch(() => 'cut off');
  await until(() => service.workers().some((pid) => ticksOf(pid) > ticksOf(service.child.pid as number) + 100));
  const workers = service.workers();
  service.child.kill('SIGKILL');
  await until(() => !workers.some((pid) => existsSync(`/proc/${pid}`)));
  expect(await cut).toBe('cut off');
});

/** Hundredths of seconds that a process has computed. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

describe('a worker that ends', () => {
  test('by SIGKILL, again and again under load: every request is answered, and the service stays up', async () => {
    const service = await serve({});
    const clients = load(service, 6);
    for (let round = 0; round < 6; round++) {
      const served = clients.replies.length;
      await until(() => clients.replies.length >= served + 10);
      await until(() => service.workers().length > 0);
      // The one that was started first is at work.
      process.kill(service.workers()[0] as number, 'SIGKILL');
    }
    const replies = await clients.stop();
    expect(failed(replies)).toEqual([]);
    await until(() => service.printed.filter((line) => line.includes('worker ended')).length === 6);
    expect(service.child.exitCode).toBeNull();
    await expectWell(service);
  });

  for (const op of ['fault_segv', 'fault_exit'])
    test(`by ${op}: its graph is begun twice and then no more, and all others are served`, async () => {
      const service = await serve({}, true);
      const clients = load(service, 4);
      const fatal = { graph: `y = ${op}(x)`, values: { x: 1 } };
      const first = await service.send('POST', '/v1/evaluate', fatal);
      expect([first.status, first.body.code]).toEqual([422, 'quarantined']);
      const ended = (): number => service.printed.filter((line) => line.includes('worker ended')).length;
      await until(() => ended() === 2);
      // With other values it is the same graph.
      const second = await service.send('POST', '/v1/evaluate', { ...fatal, values: { x: 5 } });
      expect([second.status, second.body.code]).toEqual([422, 'quarantined']);
      expect(ended()).toBe(2);
      expect(failed(await clients.stop())).toEqual([]);
      await expectWell(service);
      const [row, ...others] = (await service.send('GET', '/v1/quarantine')).body.quarantined;
      expect([row, others]).toMatchObject([{ tenant: 'local', method: 'Evaluate', deaths: 2 }, []]);
      expect(row.why).toBe(op === 'fault_segv' ? 'SIGSEGV' : 'exit code 7');
      expect((await service.send('DELETE', `/v1/quarantine/${row.id}`)).status).toBe(200);
      expect((await service.send('DELETE', `/v1/quarantine/${row.id}`)).status).toBe(404);
      // Released, it is begun again.
      const again = await service.send('POST', '/v1/evaluate', fatal);
      expect(again.status).toBe(422);
      const { devices } = (await service.send('GET', '/v1/devices')).body;
      expect(devices).toMatchObject([{ device: 'cpu', backend: 'portable', workers: 2, restarts: 4 }]);
    });

  test('for a hang: the deadline is answered in time, the worker is replaced, and others are served', async () => {
    const service = await serve({ ADJOINT_GRACE_MS: '200' }, true);
    const clients = load(service, 4);
    const hang = { graph: 'y = fault_hang(x)', values: { x: 1 }, options: { timeout_ms: 500 } };
    let reply = await service.send('POST', '/v1/evaluate', hang);
    // One whose time is over before a worker has it ends no worker.
    for (; reply.status === 504; reply = await service.send('POST', '/v1/evaluate', hang))
      expect(reply.body.code).toBe('deadline_exceeded');
    expect([reply.status, reply.body.code]).toEqual([422, 'quarantined']);
    await until(() => service.printed.filter((line) => line.includes('worker ended')).length === 2);
    expect(failed(await clients.stop())).toEqual([]);
    await expectWell(service);
  });

  test('of too much memory: it is ended before it takes all there is', async () => {
    const service = await serve({ ADJOINT_WORKER_MEMORY: String(500 * 2 ** 20) }, true);
    const clients = load(service, 4);
    const greedy = await service.send('POST', '/v1/evaluate', { graph: 'y = fault_memory(x)', values: { x: 1 } });
    expect([greedy.status, greedy.body.code]).toEqual([422, 'quarantined']);
    expect(greedy.body.detail).toContain('bytes of memory');
    expect(failed(await clients.stop())).toEqual([]);
    await expectWell(service);
  });

  test('with the service: none is left behind', async () => {
    const service = await serve({});
    await until(() => service.workers().length === 3);
    const workers = service.workers();
    service.child.kill('SIGKILL');
    await until(() => workers.every((pid) => !isAlive(pid)));
  });
});

describe('sessions, when workers end', () => {
  test('lose nothing that was acknowledged, and do nothing twice', async () => {
    const service = await serve({ ADJOINT_DATA: mkdtempSync(join(tmpdir(), 'adjoint-')) });
    const { session } = (
      await service.send('POST', '/v1/sessions', { variables: { n: { value: 0 }, m: { value: 0 } } })
    ).body.session;
    const path = `/v1/sessions/${session}`;
    await service.send('POST', `${path}/tapes`, { tape: 't', persistent: true });
    let isOver = false;
    let counted = 0;
    const count = async (): Promise<void> => {
      while (!isOver) {
        const reply = await service.send('POST', `${path}/tapes/t/record`, {
          graph: { variables: { n: {} }, nodes: [{ name: `step${counted}`, op: 'assign_add', inputs: ['n', 1] }] },
          options: { timeout_ms: 60_000 },
        });
        expect(reply.body).toMatchObject({ variables: { n: ++counted } });
      }
    };
    let added = 0;
    const add = async (): Promise<void> => {
      while (!isOver) {
        const reply = await service.send('POST', `${path}/variables/m/assign_add`, { value: 1 });
        expect(reply.status).toBe(200);
        added++;
      }
    };
    const clients = Promise.all([count(), add()]);
    for (let round = 0; round < 4; round++) {
      const before = counted;
      await until(() => counted >= before + 5 && service.workers().length > 0);
      for (const pid of service.workers()) process.kill(pid, 'SIGKILL');
    }
    isOver = true;
    await clients;
    const { variables } = (await service.send('GET', `${path}/variables`)).body;
    expect(variables).toHaveLength(2);
    expect((await service.send('GET', `${path}/variables/n`)).body.value).toBe(counted);
    expect((await service.send('GET', `${path}/variables/m`)).body.value).toBe(added);
  });

  test('a tape is rebuilt by another worker, and says so', async () => {
    const service = await serve({});
    const variables = { w: { value: [1, 2, 3] } };
    const { session } = (await service.send('POST', '/v1/sessions', { variables })).body.session;
    const tapes = `/v1/sessions/${session}/tapes`;
    await service.send('POST', tapes, { tape: 't', persistent: true });
    await service.send('POST', `${tapes}/t/record`, { graph: 'y = w ** 3; loss = sum(y)' });
    const ask = { targets: 'loss', sources: ['w'] };
    const before = await service.send('POST', `${tapes}/t/gradient`, ask);
    expect(before.body).toMatchObject({ gradients: [[3, 12, 27]], meta: { rebuilt: false, forward_passes: 0 } });
    for (const pid of service.workers()) process.kill(pid, 'SIGKILL');
    await until(async () => (await service.send('GET', '/v1/devices')).body.devices[0].ready === 2);
    const after = await service.send('POST', `${tapes}/t/gradient`, ask);
    expect(after.body).toMatchObject({ gradients: [[3, 12, 27]], meta: { rebuilt: true, forward_passes: 1 } });
    // Its home may have been the last to be ready, and then has a copy to make, too.
    await service.send('POST', `${tapes}/t/gradient`, ask);
    const again = await service.send('POST', `${tapes}/t/gradient`, ask);
    expect(again.body).toMatchObject({ gradients: [[3, 12, 27]], meta: { rebuilt: false, forward_passes: 0 } });
  });

  test('an operation whose worker ended goes on where it had come to', async () => {
    const service = await serve({});
    const variables = { w: { value: [5, -5] } };
    const { session } = (await service.send('POST', '/v1/sessions', { variables })).body.session;
    const started = await service.send(
      'POST',
      `/v1/sessions/${session}/minimize`,
      {
        graph: 'loss = sum((w - 1) ** 2)',
        optimizer: { name: 'adam', learning_rate: 0.01 },
        until_step: 3000,
        commit_interval_ms: 0,
        progress_interval_ms: 0,
      },
      { prefer: 'respond-async' },
    );
    expect(started.status).toBe(202);
    const path = `/v1/operations/${started.body.operation.operation}`;
    const look = async (): Promise<Reply['body']> => (await service.send('GET', path)).body.operation;
    await until(async () => ((await look()).progress?.step ?? 0) > 20);
    for (const pid of service.workers()) kill(pid);
    await until(async () => (await look()).state !== 'running');
    expect(await look()).toMatchObject({ state: 'succeeded', attempts: 2, response: { step: 3000 } });
    const { value } = (await service.send('GET', `/v1/sessions/${session}/variables/w`)).body;
    expect(value[0]).toBeCloseTo(1, 2);
    expect((await service.send('GET', `/v1/sessions/${session}/variables/adam%2Fstep`)).body.value).toBe(3000);
  }, 60_000);

  test('a minimization whose worker ended says what is kept', async () => {
    const service = await serve({});
    const variables = { w: { value: [5, -5] } };
    const { session } = (await service.send('POST', '/v1/sessions', { variables })).body.session;
    const body = JSON.stringify({
      graph: 'loss = sum((w - 1) ** 2)',
      optimizer: { name: 'adam', learning_rate: 0.001 },
      steps: 1_000_000,
      commit_interval_ms: 0,
      progress_interval_ms: 0,
    });
    const headers = { 'content-type': 'application/json' };
    const url = `${service.url}/v1/sessions/${session}/minimize`;
    const response = await fetch(url, { method: 'POST', headers, body });
    let heard = '';
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      heard += Buffer.from(chunk).toString();
      if (heard.includes('event: error')) break;
      if (heard.split('\n\n').length > 5) for (const pid of service.workers()) kill(pid);
    }
    expect(heard).toContain('engine_lost');
    expect(heard).toContain('what was committed last is kept');
    const { value } = (await service.send('GET', `/v1/sessions/${session}/variables/w`)).body;
    expect(value[0]).toBeLessThan(5);
  });
});

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
