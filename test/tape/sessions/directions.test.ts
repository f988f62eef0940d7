/** @file Tangents and cotangents that are sent to a tape: one or many at once, for some of the names or for all. */
import { describe, expect, test } from 'vitest';
import { listening, refusal } from './notebook.ts';

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

describe('many at once', () => {
  const j = [
    [2, 0, 3],
    [0, 8, 5],
  ];

  test('tangents', async () => {
    const nb = await service.notebook({ x: [1, 2], s: 1 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('a = x * x', {});
    await tape.record('y = a * c + s * d', { c: [1, 2], d: [3, 5] });
    const push = (x: unknown, s: unknown) => tape.pushforward({ x, s } as Record<string, unknown>, 'y');
    expect(await push([1, 0], 0)).toEqual({ y: [j[0]![0], 0] });
    expect(
      await push(
        [
          [1, 0],
          [0, 1],
          [0, 0],
        ],
        [0, 0, 1],
      ),
    ).toEqual({
      y: [
        [2, 0],
        [0, 8],
        [3, 5],
      ],
    });
    // None at all is a stack too.
    const none = { dtype: 'float32', shape: [0, 2], data: [] };
    const empty = { dtype: 'float32', shape: [0], data: [] };
    const made = await tape.pushforward({ x: none, s: empty }, 'y', { options: { encoding: 'flat' } });
    expect(made.y).toEqual({ dtype: 'float32', shape: [0, 2], data: [] });
  });

  test('cotangents', async () => {
    const nb = await service.notebook({ x: [1, 2], s: 1 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('a = x * x');
    await tape.record('y = a * c + s * d', { c: [1, 2], d: [3, 5] });
    await tape.record('z = sum(y)');
    expect(await tape.pullback({ y: [1, 0] }, ['x', { s: 's' }])).toEqual([[2, 0], { s: 3 }]);
    expect(
      await tape.pullback(
        {
          y: [
            [1, 0],
            [0, 1],
          ],
        },
        { x: 'x', s: 's' },
      ),
    ).toEqual({
      x: [
        [2, 0],
        [0, 8],
      ],
      s: [3, 5],
    });
    expect(
      await tape.pullback(
        {
          y: [
            [1, 0],
            [0, 1],
          ],
          z: [0, 10],
        },
        ['s'],
      ),
    ).toEqual([[3, 85]]);
  });

  test('of sources and targets that have no path: zeros or null, stacked as the others', async () => {
    const nb = await service.notebook({ x: [1, 2], u: 1 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x * x; i = cast(x, dtype="int32"); w = u * 2; y, i, w');
    expect(
      await tape.pushforward(
        {
          x: [
            [1, 1],
            [0, 1],
          ],
        },
        ['w', 'y'],
      ),
    ).toEqual({
      w: [0, 0],
      y: [
        [2, 4],
        [0, 4],
      ],
    });
    expect(
      await tape.pullback(
        {
          y: [
            [1, 1],
            [0, 1],
          ],
        },
        ['u', 'x'],
      ),
    ).toEqual([
      null,
      [
        [2, 4],
        [0, 4],
      ],
    ]);
    expect(
      await tape.pullback(
        {
          y: [
            [1, 1],
            [0, 1],
          ],
        },
        'u',
        { unconnected_gradients: 'zero' },
      ),
    ).toEqual([0, 0]);
  });

  test.each([
    ['tangents', 'pushforward', { tangents: { x: [1, 1], s: [1, 2] }, targets: 'y' }],
    ['cotangents', 'pullback', { cotangents: { y: [1, 1], z: [1, 2] }, sources: 'x' }],
  ])('%s of different stacks are refused', async (field, verb, body) => {
    const nb = await service.notebook({ x: [1, 2], s: 1 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x * s; z = sum(y); y, z');
    const problem = await refusal(tape.ask(verb, body));
    expect(problem).toMatchObject({ code: 'type_mismatch', pointer: `/${field}` });
    expect(await tape.gradient('y', 's')).toBe(3);
  });
});

test('a target that is no scalar, with a direction of its own shape', async () => {
  const nb = await service.notebook({
    x: [
      [1, 2],
      [3, 4],
    ],
  });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y = x @ x');
  const ct = [
    [1, 0],
    [0, 0],
  ];
  // d (x x)_00 / dx
  expect(await tape.gradient('y', 'x', { output_gradients: ct })).toEqual([
    [2, 3],
    [2, 0],
  ]);
});
