/** @file Tangents and cotangents that are sent to a tape: one or many at once, for some of the names or for all. */
import { describe, expect, test } from 'vitest';
import { listening } from './notebook.ts';

const service = listening();

describe('output_gradients', () => {
  test('a target named twice has a cotangent each time', async () => {
    const nb = await service.notebook({ x: 3 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x ** 2');
    expect(await tape.gradient(['y', 'y'], 'x')).toBe(12);
    expect(await tape.gradient(['y', 'y'], 'x', { output_gradients: [1, 10] })).toBe(66);
  });

  test('the cotangent of a target that is no float goes with it', async () => {
    const nb = await service.notebook({ x: 3 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('i = cast(x, dtype="int32"); y = x ** 2; i, y');
    expect(await tape.gradient(['i', 'y'], 'x', { output_gradients: [7, 10] })).toBe(60);
  });
});

describe('pushforward', () => {
  test('a tangent belongs to its source, whether or not the ones before it have a path', async () => {
    const nb = await service.notebook({ a: 2, x: 3 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x ** 2; b = a * 2; y, b');
    const reply = await tape.ask('pushforward', { tangents: { a: 5, x: 1 }, targets: 'y' });
    expect(reply.tangents).toEqual({ y: 6 });
    expect(reply.unconnected).toMatchObject({ a: { reason: 'not_on_path' } });
  });
});

describe('record', () => {
  test('several sources that were asked for give several names, whether or not each has a gradient', async () => {
    const nb = await service.notebook({ x: 3, y: 2 });
    const outer = await nb.tape({ persistent: true });
    const inner = await nb.tape({ outer });
    await inner.record('z = x ** 3');
    expect(await inner.gradient('z', ['x', 'y'], { record: [outer, 'g'] })).toEqual([27, null]);
    expect((await outer.info()).tensors).toEqual({ z: 'f32', 'g/x': 'f32' });
    expect(await outer.gradient('g/x', 'x')).toBe(18);
  });
});
