/** @file The states of a tape: recording, paused, reset, used up, deleted; and what each of them keeps. */
import { expect, test } from 'vitest';
import { expectClose, type Json } from '../harness.ts';
import { listening, refusal } from './notebook.ts';

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

test('a paused tape runs graphs, writes variables and binds names, and records none of it', async () => {
  const nb = await service.notebook({ x: 3, n: 0 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y = x * x');
  const { fragments } = await tape.info();
  await tape.pause();
  expect(await tape.record('h = y * x')).toEqual({ h: 27 });
  await tape.record({ variables: { n: {} }, nodes: [{ name: 'w', op: 'assign_add', inputs: ['n', 1] }] });
  expect(await nb.valueOf('n')).toBe(1);
  expect(await tape.info()).toMatchObject({ state: 'paused', fragments, tensors: { y: 'f32', h: 'f32', w: 'f32' } });
  // A paused tape answers.
  expect(await tape.gradient('y', 'x')).toBe(6);
  expect(await tape.explained('h', ['x', 'y'])).toEqual([[null, null], { x: 'not_recorded', y: 'not_recorded' }]);
  expect(await tape.resume()).toMatchObject({ state: 'recording' });
  await tape.record('z = h * y');
  expect(await tape.gradient('z', ['x', 'y', 'h'])).toEqual([27 * 6, 27, null]);
});

test('an inner tape that is paused leaves the outer one recording, and the other way around', async () => {
  const nb = await service.notebook({ x: 3 });
  const outer = await nb.tape({ persistent: true });
  const inner = await nb.tape({ persistent: true, outer });
  await inner.record('y = x * x');
  await inner.pause();
  await inner.record('z = y * x');
  expect(await outer.gradient('z', 'x')).toBe(27);
  expect(await inner.explained('z', 'x')).toEqual([null, { x: 'not_recorded' }]);
  await inner.resume();
  await outer.pause();
  await inner.record('w = y * x');
  expect(await inner.gradient('w', 'x')).toBe(27);
  expect(await outer.explained('w', 'x')).toEqual([null, { x: 'not_recorded' }]);
});

test('reset revives a tape that is used up; its tensors keep their names and values', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape();
  await tape.record('y = x * x');
  await tape.gradient('y', 'x');
  for (const use of [
    () => tape.gradient('y', 'x'),
    () => tape.record('z = y * 2'),
    () => tape.watch('y'),
    () => tape.resume(),
  ])
    expect(await refusal(use())).toMatchObject({ status: 409, code: 'tape_used' });
  expect(await refusal(tape.pause())).toMatchObject({ code: 'tape_state' });
  expect(await tape.reset()).toMatchObject({ watched_variables: [], tensors: { y: 'f32' } });
  expect(await tape.record('z = y * x')).toEqual({ z: 27 });
  expect(await tape.explained('z', ['x', 'y'])).toEqual([[9, null], { y: 'not_recorded' }]);
});

test('reset forgets what is watched, but not what watches variables that are read', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape({ persistent: true, values: { c: 2 }, watch: 'c' });
  await tape.record('y = x * c');
  expect(await tape.gradient('y', ['x', 'c'])).toEqual([2, 3]);
  await tape.reset();
  expect(await tape.explained('y', ['x', 'c'])).toEqual([[null, null], { x: 'not_recorded', c: 'not_watched' }]);
  await tape.record('y = x * c');
  expect(await tape.explained('y', ['x', 'c'])).toEqual([[2, null], { c: 'not_watched' }]);
});

test('reset of a tape leaves the ones around it and within it', async () => {
  const nb = await service.notebook({ x: 3 });
  const outer = await nb.tape({ persistent: true });
  const middle = await nb.tape({ persistent: true, outer });
  const inner = await nb.tape({ persistent: true, outer: middle });
  await inner.record('y = x * x');
  await middle.reset();
  expect(await outer.gradient('y', 'x')).toBe(6);
  expect(await middle.gradient('y', 'x')).toBe(null);
  expect(await inner.gradient('y', 'x')).toBe(6);
  await inner.record('z = y * x');
  expect(await outer.gradient('z', 'x')).toBe(27);
  expect(await middle.gradient('z', 'x')).toBe(9);
});

test('a tape that is used up leaves the one around it, and its values to those that read them', async () => {
  const nb = await service.notebook({ x: 3 });
  const outer = await nb.tape();
  const inner = await nb.tape({ outer });
  await inner.record('a = sin(x); y = a * a');
  await inner.gradient('y', 'x');
  await outer.record('z = y * x');
  expectClose(await outer.gradient('z', 'x'), 2 * Math.sin(3) * Math.cos(3) * 3 + Math.sin(3) ** 2);
  expect(await refusal(outer.gradient('z', 'x'))).toMatchObject({ code: 'tape_used' });
});

test('a tape within another goes with it, and not the other way around', async () => {
  const nb = await service.notebook({ x: 3 });
  const outer = await nb.tape({ persistent: true });
  const inner = await nb.tape({ outer, persistent: true });
  const deep = await nb.tape({ outer: inner, persistent: true });
  await deep.record('y = x * x');
  await inner.delete();
  expect(await refusal(deep.gradient('y', 'x'))).toMatchObject({ status: 404, code: 'not_found' });
  expect(await outer.gradient('y', 'x')).toBe(6);
  expect((await nb.send('GET', '/tapes')).tapes.map(({ tape }: Json) => tape)).toEqual([outer.id]);
  await outer.delete();
  expect((await nb.send('GET', '/tapes')).tapes).toEqual([]);
});

test('several tapes at once, nested three deep, and beside one another', async () => {
  const nb = await service.notebook({ x: 2 });
  const t3 = await nb.tape({ tape: 't3' });
  const t2 = await nb.tape({ tape: 't2', outer: t3 });
  const t1 = await nb.tape({ tape: 't1', outer: t2 });
  const other = await nb.tape({ tape: 'other', persistent: true });
  const { tapes } = await nb.send('GET', '/tapes');
  expect(tapes.map(({ tape, outer }: Json) => [tape, outer])).toEqual([
    ['t3', null],
    ['t2', 't3'],
    ['t1', 't2'],
    ['other', null],
  ]);
  await t1.record('y = x ** 4');
  await other.record('y = 10 * x');
  expect(await t1.gradient('y', 'x', { record: [t2, 'd1'] })).toBe(32);
  expect(await t2.gradient('d1', 'x', { record: [t3, 'd2'] })).toBe(48);
  expect(await t3.gradient('d2', 'x')).toBe(48);
  expect(await other.gradient('y', 'x')).toBe(10);
  // Tapes that are not within one another do not know the other's tensors.
  expect(await refusal(other.record('z = d1 * 2'))).toMatchObject({ code: 'missing_value', input: 'd1' });
  expect(await refusal(other.gradient('y', 'x', { record: [t3, 'g'] }))).toMatchObject({ code: 'tape_used' });
});

test('a derivative of any kind is recorded, and differentiated in turn', async () => {
  const nb = await service.notebook({ x: [1, 2] });
  const outer = await nb.tape({ persistent: true });
  const inner = await nb.tape({ persistent: true, outer });
  await inner.record('y = x ** 3');
  await inner.jacobian('y', 'x', { record: [outer, 'j'] });
  await inner.pushforward({ x: [1, 10] }, 'y', { record: [outer, 'p'] });
  await inner.pullback({ y: [1, 10] }, 'x', { record: [outer, 'b'] });
  await inner.pullback(
    {
      y: [
        [1, 0],
        [0, 1],
      ],
    },
    'x',
    { record: [outer, 'rows'] },
  );
  await inner.gradient('y', 'x', { output_gradients: [2, 3], record: [outer, 'g'] });
  expect((await outer.info()).tensors).toMatchObject({
    j: 'f32[2,2]',
    p: 'f32[2]',
    b: 'f32[2]',
    rows: 'f32[2,2]',
    g: 'f32[2]',
  });
  expect(await outer.gradient('j', 'x')).toEqual([6, 12]);
  expect(await outer.gradient('p', 'x')).toEqual([6, 120]);
  expect(await outer.gradient('b', 'x')).toEqual([6, 120]);
  expect(await outer.gradient('rows', 'x')).toEqual([6, 12]);
  expect(await outer.gradient('g', 'x')).toEqual([12, 36]);
  // The inner tape did not record what was recorded onto the outer one.
  expect(await inner.explained('g', 'x')).toEqual([null, { x: 'not_recorded' }]);
});

test('what is recorded onto a tape that is paused has a name and no gradient', async () => {
  const nb = await service.notebook({ x: 3 });
  const outer = await nb.tape({ persistent: true });
  const inner = await nb.tape({ outer });
  await inner.record('y = x ** 3');
  await outer.pause();
  expect(await inner.gradient('y', 'x', { record: [outer, 'dy'] })).toBe(27);
  await outer.resume();
  expect(await outer.explained('dy', 'x')).toEqual([null, { x: 'not_recorded' }]);
  expect(await outer.record('z = dy * x')).toEqual({ z: 81 });
  expect(await outer.gradient('z', 'x')).toBe(27);
});
