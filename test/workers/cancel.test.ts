import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { serve, until } from './service.ts';

/** Requests of every kind that goes to a worker; `i` makes them differ. */
const REQUESTS = [
  (i: number) => ['/v1/gradient', { graph: `y = sum(sin(x) * ${i})`, values: { x: [1, 2, 3] }, sources: ['x'] }],
  (i: number) => ['/v1/evaluate', { graph: 'y = x @ x', values: { x: Array(40).fill(Array(40).fill(i)) } }],
  (i: number, tapes: string) => [`${tapes}/t/record`, { graph: `y${i} = w * ${i}` }],
  (_: number, tapes: string) => [`${tapes}/t/gradient`, { targets: 'loss', sources: ['w'] }],
  (i: number, tapes: string) => [
    tapes.replace('/tapes', '/minimize'),
    { graph: 'l = sum(w * w)', optimizer: { name: 'sgd', learning_rate: 1e-6 }, steps: 10 + i, commit_interval_ms: 0 },
  ],
] as const;

test('clients that go away at any point leave nothing behind: no place, no session, no queue', async () => {
  const service = await serve({ ADJOINT_QUEUE: '1000', ADJOINT_WORKERS: '1', ADJOINT_SPARE_WORKERS: '0' });
  const variables = { w: { value: [1, 2, 3] } };
  const { session } = (await service.send('POST', '/v1/sessions', { variables })).body.session;
  const tapes = `/v1/sessions/${session}/tapes`;
  await service.send('POST', tapes, { tape: 't', persistent: true });
  await service.send('POST', `${tapes}/t/record`, { graph: 'loss = sum(w ** 2)' });
  let gone = 0;
  let answered = 0;
  // Many more than a worker has places for jobs, each left after a time of its own.
  const client = async (own: number): Promise<void> => {
    for (let i = own; i < 400; i += 8) {
      const [path, body] = (REQUESTS[i % REQUESTS.length] as (typeof REQUESTS)[number])(i, tapes);
      const away = new AbortController();
      const sent = fetch(service.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: away.signal,
      }).then(
        async (response) => {
          await response.text();
          answered++;
        },
        () => gone++,
      );
      await sleep((i * 7) % 40);
      away.abort();
      await sent.catch(() => gone++);
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, own) => client(own)));
  expect(gone).toBeGreaterThan(50);
  expect(gone + answered).toBeGreaterThanOrEqual(400);
  // The session is free, the worker takes as many jobs as ever, and none of the processes has been replaced.
  const asked = await service.send('POST', `${tapes}/t/gradient`, { targets: 'loss', sources: ['w'] });
  expect(asked.body.gradients).toEqual([asked.body.gradients[0].map((_: number, k: number) => 2 * (k + 1))]);
  const many = await Promise.all(
    Array.from({ length: 100 }, (_, x) => service.send('POST', '/v1/evaluate', { graph: 'y = x + 1', values: { x } })),
  );
  expect(many.map(({ body }) => body.values.y)).toEqual(many.map((_, x) => x + 1));
  await until(async () => (await service.send('GET', '/v1/devices')).body.devices[0].restarts === 0);
}, 120_000);
