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

test('a tape is opened with tensors, and with variables to watch that are read later', async () => {
  const nb = await service.notebook({ v: 2, frozen: { value: 5, trainable: false } });
  const tape = await nb.tape({ persistent: true, values: { x: [1, 2], t: 4 }, watch: ['x', 'frozen'] });
  expect(await tape.info()).toMatchObject({
    state: 'recording',
    persistent: true,
    watch_accessed_variables: true,
    outer: null,
    watched_variables: ['frozen'],
    tensors: { x: 'f32[2]', t: 'f32' },
    fragments: 0,
  });
  await tape.record('y = sum(x) * v * frozen * t');
  expect(await tape.explained('y', ['x', 'v', 'frozen', 't'])).toEqual([
    [[40, 40], 60, 24, null],
    { t: 'not_watched' },
  ]);
});

test('an intermediate tensor that is watched begins anew', async () => {
  const nb = await service.notebook();
  const tape = await nb.tape({ persistent: true, values: { x: 3 } });
  await tape.record('y = x * x');
  expect(await tape.explained('y', 'x')).toEqual([null, { x: 'not_watched' }]);
  await tape.watch('y');
  await tape.record('z = y * y');
  expect(await tape.explained('z', ['x', 'y'])).toEqual([[null, 18], { x: 'not_watched' }]);
});

test('a value that is sent again under its name is another tensor', async () => {
  const nb = await service.notebook();
  const tape = await nb.tape({ persistent: true, values: { x: 3 }, watch: 'x' });
  await tape.record('y = x * x');
  await tape.record('z = y * x', { x: 10 });
  // The new x is not watched, and the old one has no name any more.
  expect(await tape.explained('z', ['x', 'y'])).toEqual([[null, 10], { x: 'not_watched' }]);
  await tape.record('w = x * 2', { x: 7 }, { watch: ['x'] });
  expect(await tape.gradient('w', 'x')).toBe(2);
});

test('a node that takes the name of a tensor takes it for the cells after it', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y = x * x');
  await tape.record({ inputs: { y: {} }, nodes: [{ name: 'z', op: 'mul', inputs: ['y', 'y'] }] });
  await tape.record('y = x * 2');
  await tape.record('w = y * z');
  // w = 2 x * x^4.
  expect(await tape.gradient('w', 'x')).toBe(10 * 81);
  expect(await tape.gradient('w', 'y')).toBe(81);
});

test('watch is for one tape; those around it watch for themselves', async () => {
  const nb = await service.notebook();
  const outer = await nb.tape({ persistent: true, values: { x: 3, u: 2 }, watch: 'x' });
  const inner = await nb.tape({ persistent: true, outer });
  await inner.watch('u');
  await inner.record('y = x ** 2 * u');
  expect(await outer.explained('y', ['x', 'u'])).toEqual([[12, null], { u: 'not_watched' }]);
  expect(await inner.explained('y', ['x', 'u'])).toEqual([[null, 9], { x: 'not_watched' }]);
});

test('integers are watched in vain', async () => {
  const nb = await service.notebook({ n: { value: 3, dtype: 'int32' }, x: 2 });
  const tape = await nb.tape({ persistent: true, watch: 'n' });
  await tape.record('y = x * n');
  await tape.record('z = y * n');
  expect(await tape.explained('z', ['x', 'n'])).toEqual([[9, null], { n: 'integer_dtype' }]);
});
