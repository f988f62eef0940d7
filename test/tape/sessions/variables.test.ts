/** @file Variables under tapes: written between cells and within them, read at several versions, deleted and made again. */
import { expect, test } from 'vitest';
import { listening } from './notebook.ts';

const service = listening();

test('a variable that was deleted is still what the tape read', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y = x ** 2');
  await nb.send('DELETE', '/variables/x');
  expect(await tape.gradient('y', 'x')).toBe(6);
});

test('a variable made again with another type is another variable', async () => {
  const nb = await service.notebook({ x: [1, 2], w: 1 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y = sum(x ** 2) * w');
  await nb.send('DELETE', '/variables/x');
  await nb.variable('x', 3);
  expect(await tape.explained('y', ['x', 'w'])).toEqual([[null, 5], { x: 'not_on_path' }]);
  await tape.record('z = x ** 2 + y');
  expect(await tape.gradient('z', ['x', 'w'])).toEqual([6, 5]);
});

test('a variable is a target as it was read last, watched or not', async () => {
  const nb = await service.notebook({ x: 3, frozen: { value: 2, trainable: false } });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y = x * frozen');
  expect(await tape.gradient('x', 'x')).toBe(1);
  expect(await tape.explained('frozen', ['x'])).toEqual([[null], { x: 'not_on_path' }]);
});
