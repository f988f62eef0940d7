/** @file Sources that a cell itself makes: what the same cell computes from them moves with them. */
import { expect, test } from 'vitest';
import { expectClose, node } from '../harness.ts';
import { listening } from './notebook.ts';

const service = listening();

test('a source in the middle of a cell', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y = x * x; z = y * y; w = z * x');
  expect(await tape.gradient('z', ['x', 'y'])).toEqual([108, 18]);
  expect(await tape.gradient('z', 'y')).toBe(18);
  expect(await tape.gradient('w', ['x', 'y', 'z'])).toEqual([405, 54, 3]);
  expect(await tape.jacobian('w', 'y')).toBe(54);
  expect(await tape.pushforward({ y: 2, z: 1 }, ['z', 'w'])).toEqual({ z: 37, w: 111 });
  expect(await tape.pullback({ z: 1, w: 10 }, ['y'])).toEqual([558]);
  await tape.record('v = w * y');
  expect(await tape.gradient('v', ['y', 'z', 'w'])).toEqual([54 * 9 + 243, 27, 9]);
});

test('names that one value has are sources of their own', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('a = identity(x); b = x + 0; c = x + 1; f = a * b * c');
  expect(await tape.gradient('f', ['x', 'a', 'b', 'c'])).toEqual([33, 12, 12, 9]);
});

test('a source in the middle of a cell, to the second order', async () => {
  const nb = await service.notebook({ x: 3 });
  const outer = await nb.tape({ persistent: true });
  const inner = await nb.tape({ persistent: true, outer });
  await inner.record('y = x * x; z = y ** 3');
  expect(await inner.gradient('z', 'y', { record: [outer, 'dz'] })).toBe(243);
  // 3 y^2 by y, and by x through it.
  expect(await outer.gradient('dz', ['y', 'x'])).toEqual([54, 324]);
  expect(await inner.gradient('z', 'y', { record: [inner, 'own'] })).toBe(243);
  expect(await inner.gradient('own', 'y')).toBe(54);
});

test('a source among the outputs of a node, and inside what a branch or a loop reads', async () => {
  const nb = await service.notebook({ x: [1, 2, 3, 4] });
  const tape = await nb.tape({ persistent: true });
  await tape.record({
    inputs: { x: {} },
    nodes: [
      node('parts', 'split', ['x'], { sections: 2 }),
      node('p', 'mul', ['parts', 'parts:1']),
      node('total', 'scan', [0, 'p'], {
        carry: 1,
        body: {
          inputs: ['sum', 'item'],
          nodes: [node('s', 'mul', ['item', 'item']), node('n', 'add', ['sum', 's'])],
          outputs: ['n'],
        },
      }),
    ],
  });
  expect(await tape.gradient('total', ['p', 'parts:1', 'x'])).toEqual([
    [6, 16],
    [6, 32],
    [18, 64, 6, 32],
  ]);
});

test('a source behind an op whose derivative is zero', async () => {
  const nb = await service.notebook({ x: [-2, 3] });
  const tape = await nb.tape({ persistent: true });
  await tape.record('s = sign(x); t = tanh(s); y = t * s');
  expect(await tape.gradient('y', 'x')).toEqual([0, 0]);
  const [s, t] = await tape.gradient('y', ['s', 't']);
  expect(t).toEqual([-1, 1]);
  const slope = 1 - Math.tanh(1) ** 2 + Math.tanh(1);
  expectClose(s, [-slope, slope]);
});
