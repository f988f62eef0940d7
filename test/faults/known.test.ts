/** @file What is known not to hold yet. Each of these fails; when one passes, it moves to the tests of what holds. */
import { expect, test } from 'vitest';
import { memoryStore } from '../../services/sessions/memory.ts';
import { newSession, ok, serve } from './harness.ts';

test.fails('a name that a recorded line of text defines anew means the new value', async () => {
  const server = serve(memoryStore());
  const session = await newSession(server);
  await ok(server, 'POST', `${session}/tapes`, { tape: 't', values: { x: 3 } });
  const { values } = await ok(server, 'POST', `${session}/tapes/t/record`, { graph: 'x = x * 2', outputs: 'x' });
  expect(values.x).toBe(6);
});
