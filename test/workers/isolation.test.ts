import { expect, test } from 'vitest';
import { serve, until } from './service.ts';

test('a graph that computes for long holds up no other session, and no other request', async () => {
  const service = await serve({});
  await until(async () => (await service.send('GET', '/v1/devices')).body.devices[0].ready === 2);
  const m = Array.from({ length: 300 }, () => new Array(300).fill(0.003));
  const open = async (variables: unknown): Promise<string> => {
    const { session } = (await service.send('POST', '/v1/sessions', { variables })).body.session;
    return `/v1/sessions/${session}`;
  };
  const slow = await open({ m: { value: m } });
  const other = await open({ w: { value: 1 } });
  await service.send('POST', `${slow}/tapes`, { tape: 't' });
  const steps = Array.from({ length: 30 }, (_, i) => `a${i + 1} = a${i} @ m`);
  const graph = ['a0 = m * 1', ...steps, 'y = sum(a30)'].join('; ');
  let isDone = false;
  const recording = service.send('POST', `${slow}/tapes/t/record`, { graph, outputs: 'y' }).then((reply) => {
    isDone = true;
    return reply;
  });
  let reads = 0;
  let computed = 0;
  for (let x = 0; !isDone; x++) {
    expect((await service.send('GET', `${other}/variables/w`)).status).toBe(200);
    if (!isDone) reads++;
    const evaluated = await service.send('POST', '/v1/evaluate', { graph: 'y = x + 1', values: { x } });
    expect(evaluated.body.values).toEqual({ y: x + 1 });
    if (!isDone) computed++;
  }
  expect((await recording).status).toBe(200);
  // The matrix products take seconds in JavaScript; each of these takes some milliseconds.
  expect(reads).toBeGreaterThan(20);
  expect(computed).toBeGreaterThan(20);
}, 120_000);
