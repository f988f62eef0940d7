import { describe, expect, test } from 'vitest';
import { findSoftwareDriver } from '../../scripts/software-gpu.ts';
import { type Json, type Reply, type Serving, serve, until } from './service.ts';

const CLIENTS = 64;
const TRIPS = 2000;

/** x₀ (1 + r)ᵀ in T steps: long enough to be worth stacking, and known in closed form. */
const GROWTH = {
  variables: { x: {}, r: {} },
  nodes: [
    {
      name: 'last',
      op: 'scan',
      inputs: ['x'],
      params: {
        carry: 1,
        length: TRIPS,
        body: {
          inputs: ['y'],
          nodes: [
            { name: 'more', op: 'mul', inputs: ['y', 'r'] },
            { name: 'next', op: 'add', inputs: ['y', 'more'] },
          ],
          outputs: ['next'],
        },
      },
    },
  ],
  outputs: ['last'],
};

const float64 = (data: number): Json => ({ dtype: 'float64', shape: [], data: [data] });

interface Asked {
  readonly x: number;
  readonly r: number;
}

function ask(service: Serving, { x, r }: Asked, more: Json = {}): Promise<Reply> {
  const values = { x: float64(x), r: float64(r) };
  return service.send('POST', '/v1/gradient', { graph: GROWTH, values, sources: ['x', 'r'], ...more });
}

/** d/dx = (1 + r)ᵀ, d/dr = T x (1 + r)ᵀ⁻¹. */
function expectRight({ status, body }: Reply, { x, r }: Asked): void {
  expect([status, body.code]).toEqual([200, undefined]);
  const factor = (1 + r) ** TRIPS;
  const right = [x * factor, factor, (TRIPS * x * factor) / (1 + r)];
  [body.values.last, ...body.gradients].forEach((number, i) => {
    expect(Math.abs(number / (right[i] as number) - 1)).toBeLessThan(1e-9);
  });
}

const askedBy = (client: number, round: number): Asked => ({ x: 1 + client, r: 1e-4 * (1 + round + client / CLIENTS) });

/** What a service batches has been asked for before, so that it knows what it costs. */
async function started(environment: Record<string, string> = {}, faults = false): Promise<Serving> {
  const service = await serve(
    { ADJOINT_BATCH_WINDOW_US: '20000', ADJOINT_WORKERS: '2', ADJOINT_QUEUE: '1000', ...environment },
    faults,
  );
  for (let i = 0; i < 4; i++) expectRight(await ask(service, askedBy(i, 0)), askedBy(i, 0));
  return service;
}

function sizes(replies: readonly Reply[]): number[] {
  return replies.map(({ body }) => body.meta?.batch ?? 1);
}

test('64 clients are answered in batches, each with its own gradients', async () => {
  const service = await started();
  const seen: number[] = [];
  for (let round = 0; round < 6; round++) {
    const asked = Array.from({ length: CLIENTS }, (_, client) => askedBy(client, round));
    const replies = await Promise.all(asked.map((each) => ask(service, each)));
    replies.forEach((reply, i) => {
      expectRight(reply, asked[i] as Asked);
    });
    seen.push(...sizes(replies));
  }
  expect(Math.max(...seen)).toBeGreaterThan(8);
  expect(Math.max(...seen)).toBeLessThanOrEqual(32);
});

test('no batch is larger than the configuration says, and none is made without a window', async () => {
  for (const [environment, most] of [
    [{ ADJOINT_BATCH_SIZE: '3' }, 3],
    [{ ADJOINT_BATCH_WINDOW_US: '0' }, 1],
  ] as const) {
    const service = await started(environment);
    const seen: number[] = [];
    for (let round = 0; round < 3; round++) {
      const asked = Array.from({ length: 16 }, (_, client) => askedBy(client, round));
      const replies = await Promise.all(asked.map((each) => ask(service, each)));
      replies.forEach((reply, i) => {
        expectRight(reply, asked[i] as Asked);
      });
      seen.push(...sizes(replies));
    }
    expect(Math.max(...seen)).toBe(most);
  }
});

test('who goes away or sends what is wrong leaves all others their answers', async () => {
  const service = await started();
  const seen: number[] = [];
  for (let round = 0; round < 6; round++) {
    const replies = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        const each = askedBy(client, round);
        switch (client % 8) {
          case 0: {
            // Gone in the middle.
            const body = JSON.stringify({ graph: GROWTH, values: { x: float64(each.x), r: float64(each.r) } });
            const headers = { 'content-type': 'application/json' };
            const signal = AbortSignal.timeout(1 + (client % 24));
            await fetch(`${service.url}/v1/gradient`, { method: 'POST', headers, body, signal }).catch(() => {});
            return undefined;
          }
          case 1: {
            const reply = await ask(service, each, { options: { timeout_ms: 1 + (client >> 3) } });
            if (reply.status === 200) expectRight(reply, each);
            else expect([reply.status, reply.body.code]).toEqual([504, 'deadline_exceeded']);
            return undefined;
          }
          case 2: {
            const values = { x: { dtype: 'float64', shape: [2], data: [1, 2] }, r: [[1, 2, 3]] };
            const { status, body } = await service.send('POST', '/v1/gradient', {
              graph: GROWTH,
              values,
              sources: ['x'],
            });
            expect([status, body.code]).toEqual([400, 'type_mismatch']);
            return undefined;
          }
          default: {
            const reply = await ask(service, each);
            expectRight(reply, each);
            return reply;
          }
        }
      }),
    );
    seen.push(...sizes(replies.filter((reply) => reply !== undefined)));
  }
  expect(Math.max(...seen)).toBeGreaterThan(8);
});

test('a worker that is killed again and again takes nobody’s answer along', async () => {
  const service = await started();
  let isOver = false;
  const replies: Reply[] = [];
  const clients = Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let round = 0; !isOver; round = (round + 1) % 50) {
        const each = askedBy(client, round);
        const reply = await ask(service, each, { options: { timeout_ms: 60_000 } });
        expectRight(reply, each);
        replies.push(reply);
      }
    }),
  );
  const batches = (): number => replies.filter(({ body }) => body.meta.batch > 1).length;
  for (let round = 0; round < 3; round++) {
    const before = batches();
    await until(() => batches() >= before + CLIENTS && service.workers().length > 0);
    process.kill(service.workers()[0] as number, 'SIGKILL');
  }
  isOver = true;
  await clients;
  await until(() => service.printed.filter((line) => line.includes('worker ended')).length === 3);
  expect(service.child.exitCode).toBeNull();
});

const driver = findSoftwareDriver();
const reason = 'skipped: no SwiftShader here: sh scripts/system-libraries.sh software-gpu';

describe.skipIf(!driver)(`on a gpu${driver ? '' : ` (${reason})`}`, () => {
  test('what is small is computed in batches, too', async () => {
    const service = await serve({
      VK_DRIVER_FILES: driver ?? '',
      ADJOINT_GPU: 'required',
      ADJOINT_GPU_SOFTWARE: '1',
      ADJOINT_BATCH_WINDOW_US: '20000',
    });
    const seen: number[] = [];
    for (let round = 0; round < 4; round++) {
      const replies = await Promise.all(
        Array.from({ length: 16 }, (_, x) =>
          service.send('POST', '/v1/gradient', {
            graph: 'y = sum(x ** 3)',
            values: { x: [x, -x, round] },
            sources: ['x'],
            options: { device: 'gpu' },
          }),
        ),
      );
      replies.forEach(({ body }, x) => {
        expect(body.meta.device).toBe('gpu');
        // 3 x², of whole numbers that float32 holds.
        expect(body.gradients).toEqual([[3 * x * x, 3 * x * x, 3 * round * round]]);
      });
      seen.push(...sizes(replies));
    }
    expect(Math.max(...seen)).toBeGreaterThan(2);
  });
});
