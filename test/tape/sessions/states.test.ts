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

test('a deleted tape gives back the bytes that it kept, those within it too', async () => {
  const nb = await service.notebook({ x: [1, 2, 3] });
  const { bytes, tapes } = await nb.info();
  const outer = await nb.tape();
  const inner = await nb.tape({ outer });
  await inner.record('y = x * c', { c: [4, 5, 6] });
  expect((await nb.info()).bytes).toBeGreaterThan(bytes);
  expect(await nb.info()).toMatchObject({ tapes: 2 });
  await outer.delete();
  expect(await nb.info()).toMatchObject({ bytes, tapes });
  // What a variable still needs stays.
  expect(await nb.valueOf('x')).toEqual([1, 2, 3]);
});
