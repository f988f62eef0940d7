/** @file A service that begins again with lower limits: a tape that is over them is refused, and nothing else is. */
import { expect, test } from 'vitest';
import { portable } from '../../../engine/backends/portable.ts';
import { memoryStore } from '../../../services/sessions/memory.ts';
import { listening, refusal } from './notebook.ts';

const limits = { nodes: 100 };
const store = memoryStore();
const service = listening({ limits, backend: portable, store: () => store });

test('a tape that was recorded under higher limits', async () => {
  const nb = await service.notebook({ w: 3 });
  const small = await nb.tape({ persistent: true, tape: 'small' });
  await small.record('y = w ** 2');
  const large = await nb.tape({ persistent: true, tape: 'large' });
  await large.record('z = w * w * w * w * w');
  limits.nodes = 3;
  await service.restart();
  expect(await small.gradient('y', 'w')).toBe(6);
  expect((await nb.send('GET', '/variables/w')).value).toBe(3);
  const problem = await refusal(large.gradient('z', 'w'));
  expect(problem).toMatchObject({ status: 400, code: 'limit_exceeded' });
  expect(problem.detail).toMatch(/^the tape was recorded when the limits were higher: .*'nodes' is 3; delete it$/);
  // Its name is taken until it is deleted, and what it kept with it.
  expect(await refusal(nb.tape({ tape: 'large' }))).toMatchObject({ status: 409, code: 'already_exists' });
  await nb.send('DELETE', '/tapes/large');
  const again = await nb.tape({ tape: 'large' });
  await again.record('z = w * w');
  expect(await again.gradient('z', 'w')).toBe(6);
});
