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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
