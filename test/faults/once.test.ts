/** @file Requests under a key whose process ended between their work and their reply: sent again, they are not done again. */
import { expect, test } from 'vitest';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Store } from '../../services/sessions/store.ts';
import { newSession, type Request, serve } from './harness.ts';
import { interposed } from './interposed.ts';

/** A store whose process ends when one of its calls is done. */
function endingAfter(store: Store, last: string): Store {
  return interposed(store, async (call, run) => {
    const result = await run();
    if (call === last) throw new Error('the process ended');
    return result;
  });
}

test('a session is deleted once', async () => {
  const store = memoryStore();
  const path = await newSession(serve(store));
  const request: Request = { verb: 'DELETE', path, headers: { 'idempotency-key': 'k' } };
  expect((await serve(endingAfter(store, 'deleteSession')).send(request)).status).toBe(500);
  expect((await serve(store).send(request)).status).toBe(200);
  expect((await serve(store).send({ verb: 'DELETE', path })).status).toBe(404);
});

test('an operation is started once', async () => {
  const store = memoryStore();
  const request: Request = {
    verb: 'POST',
    path: '/v1/operations',
    headers: { 'idempotency-key': 'k' },
    body: { method: 'Evaluate', request: { graph: 'y = x', values: { x: 1 } } },
  };
  expect((await serve(endingAfter(store, 'putOperation')).send(request)).status).toBe(500);
  const again = await serve(store).send(request);
  expect(again.status).toBe(202);
  const { operations } = (await serve(store).send({ verb: 'GET', path: '/v1/operations' })).body;
  expect(operations.map(({ operation }: { operation: string }) => operation)).toEqual([again.body.operation.operation]);
});
