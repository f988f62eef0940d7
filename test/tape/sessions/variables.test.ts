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

test('a node makes its variables when it is first recorded, of values sent where there are any, and reads them after', async () => {
  const nb = await service.notebook();
  const tape = await nb.tape({ persistent: true });
  const layer = {
    inputs: { x: {} },
    nodes: [{ name: 'layer', op: 'dense', inputs: ['x'], params: { units: 2 } }],
  };
  const kernel = [
    [1, 2],
    [3, 4],
  ];
  const first = await tape.recorded(layer, { x: [[1, 10]], 'layer/kernel:0': kernel });
  expect(first.values).toEqual({ layer: [[31, 42]] });
  expect(first.variables).toEqual({ 'layer/kernel:0': kernel, 'layer/bias:0': [0, 0] });
  const again = await tape.recorded(layer, { x: [[2, 0]] });
  expect(again).toMatchObject({ values: { layer: [[2, 4]] }, variables: {}, versions: {} });
  expect(await tape.gradient('layer', { k: 'layer/kernel:0', b: 'layer/bias:0' })).toEqual({
    k: [
      [2, 2],
      [0, 0],
    ],
    b: [1, 1],
  });
  expect((await tape.info()).watched_variables).toEqual(['layer/kernel:0', 'layer/bias:0']);
});
