/** @file The states of a tape: recording, paused, reset, used up, deleted; and what each of them keeps. */
import { expect, test } from 'vitest';
import { listening } from './notebook.ts';

const service = listening();

test('reset records again, whatever the state was before', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape();
  expect(await tape.pause()).toMatchObject({ state: 'paused' });
  expect(await tape.reset()).toMatchObject({ state: 'recording' });
  await tape.record('y = x ** 2');
  expect(await tape.gradient('y', 'x')).toBe(6);
  expect(await tape.info()).toMatchObject({ state: 'used' });
  expect(await tape.reset()).toMatchObject({ state: 'recording', fragments: 0 });
});
