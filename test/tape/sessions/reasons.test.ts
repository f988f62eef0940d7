/** @file Why there is no gradient: each of the reasons, and the sentence that goes with it. */
import { expect, test } from 'vitest';
import { listening } from './notebook.ts';

const service = listening();

test('a variable that was read while the tape was paused reaches the target, but not on the tape', async () => {
  const nb = await service.notebook({ x: 2, y: 3 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('x_sq = x * x');
  await tape.pause();
  await tape.record('y_sq = y * y');
  await tape.resume();
  await tape.record('z = x_sq + y_sq');
  expect(await tape.explained('z', ['x', 'y', 'y_sq'])).toEqual([
    [4, null, null],
    { y: 'not_recorded', y_sq: 'not_recorded' },
  ]);
  expect(await tape.explained('x_sq', ['x', 'y'])).toEqual([[4, null], { y: 'not_on_path' }]);
});

test('a variable that was read before the tape was reset reaches the target, but not on the tape', async () => {
  const nb = await service.notebook({ x: 2, y: 3 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y_sq = y * y');
  await tape.reset();
  await tape.record('z = x * x + y_sq');
  expect(await tape.explained('z', { x: 'x', y: 'y' })).toEqual([{ x: 4, y: null }, { y: 'not_recorded' }]);
});
