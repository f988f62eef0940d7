/** @file What a tape watches: variables that are read, tensors and variables that are named, before and after they are read. */
import { expect, test } from 'vitest';
import { listening } from './notebook.ts';

const service = listening();

test('what is watched late has no gradient through what was recorded before', async () => {
  const nb = await service.notebook({ a: 2, x: 3 });
  const tape = await nb.tape({ persistent: true, watch_accessed_variables: false, watch: 'a' });
  await tape.record('y = a * x');
  await tape.watch('x');
  await tape.record('z = y * x');
  expect(await tape.explained('y', ['a', 'x'])).toEqual([[3, null], { x: 'not_recorded' }]);
  expect(await tape.gradient('z', ['a', 'x'])).toEqual([9, 6]);
});

test('what is watched late is a constant to the second order too', async () => {
  const nb = await service.notebook({ a: 2, x: 3 });
  const outer = await nb.tape({ persistent: true, watch_accessed_variables: false, watch: 'a' });
  const inner = await nb.tape({ persistent: true, outer, watch_accessed_variables: false, watch: 'a' });
  await inner.record('y = a ** 2 * x ** 2');
  await outer.watch('x');
  await outer.record('w = x * 1');
  expect(await inner.gradient('y', 'a', { record: [outer, 'dy'] })).toBe(36);
  expect(await outer.explained('dy', ['a', 'x'])).toEqual([[18, null], { x: 'not_recorded' }]);
});

test('a variable that is named with a graph that does not read it is watched when it is read', async () => {
  const nb = await service.notebook({ a: 2, x: 3 });
  const tape = await nb.tape({ persistent: true, watch_accessed_variables: false });
  await tape.record('y = x ** 2', {}, { watch: ['a'] });
  expect(await tape.info()).toMatchObject({ watched_variables: ['a'] });
  await tape.record('z = a * x');
  expect(await tape.explained('z', ['a', 'x'])).toEqual([[3, null], { x: 'not_watched' }]);
});

test('a variable that is named again counts once', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape({ persistent: true, watch: 'x' });
  await tape.record('y = x ** 2', {}, { watch: ['x', 'x'] });
  await tape.record('z = x * y', {}, { watch: ['x'] });
  await tape.watch('x');
  await tape.record('w = z * x');
  expect((await tape.info()).watched_variables).toEqual(['x']);
  expect(await tape.gradient('z', 'x')).toBe(27);
  expect(await tape.gradient('w', 'x')).toBe(108);
});
