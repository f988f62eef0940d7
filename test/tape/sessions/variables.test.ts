/** @file Variables under tapes: written between cells and within them, read at several versions, deleted and made again. */
import { describe, expect, test } from 'vitest';
import { type Json, node } from '../harness.ts';
import { listening, refusal } from './notebook.ts';

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

const write = (op: string, to: string, from: string | number, name = 'written'): object => ({
  variables: { [to]: {} },
  inputs: typeof from === 'string' ? { [from]: {} } : {},
  nodes: [node(name, op, [to, from])],
});

describe('reads at several versions', () => {
  test('a variable assigned between two cells: its gradients add up', async () => {
    const nb = await service.notebook({ x: 3 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x * x');
    await nb.assign('x', 5);
    expect(await tape.record('z = y * x')).toEqual({ z: 45 });
    // 2 * 3 * 5 through the first read, 9 through the second.
    expect(await tape.gradient('z', 'x')).toBe(39);
    expect(await tape.pushforward({ x: 2 }, 'z')).toEqual({ z: 78 });
    expect(await tape.jacobian('z', 'x')).toBe(39);
    expect(await tape.gradient('y', 'x')).toBe(6);
    expect((await tape.info()).watched_variables).toEqual(['x']);
  });

  test('the second derivative by both reads', async () => {
    const nb = await service.notebook({ x: 3 });
    const outer = await nb.tape({ persistent: true });
    const inner = await nb.tape({ outer });
    await inner.record('y = x * x');
    await nb.assign('x', 5);
    await inner.record('z = y * x');
    await inner.gradient('z', 'x', { record: [outer, 'dz'] });
    // Of (3 + t)^2 (5 + t) at 0: 2 (5 + t) + 4 (3 + t).
    expect(await outer.gradient('dz', 'x')).toBe(22);
  });

  test('three versions, and one of them read twice', async () => {
    const nb = await service.notebook({ x: 1 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('a = 2 * x');
    await nb.assignAdd('x', 1);
    await tape.record('b = a * x');
    await tape.record('c = b + x');
    await nb.assignSub('x', 5);
    await tape.record('d = c * x');
    // x is 1, 2 and -3: a = 2, b = 4, c = 6; the slopes are 2, 2 * 2 + 2 and 7 * -3 + 6.
    expect(await tape.gradient('c', 'x')).toBe(7);
    expect(await tape.gradient('d', 'x')).toBe(-15);
  });

  test('what is assigned while the tape is paused is a version as any other', async () => {
    const nb = await service.notebook({ x: 3 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x * x');
    await tape.pause();
    await tape.record(write('assign_add', 'x', 2));
    await tape.resume();
    await tape.record('z = y * x');
    expect(await tape.gradient('z', 'x')).toBe(39);
  });

  test('each tape has its own reads', async () => {
    const nb = await service.notebook({ x: 3 });
    const first = await nb.tape({ persistent: true });
    const second = await nb.tape({ persistent: true });
    await first.record('y = x * x');
    await nb.assign('x', 5);
    await second.record('y = x * x');
    expect(await first.gradient('y', 'x')).toBe(6);
    expect(await second.gradient('y', 'x')).toBe(10);
  });
});

describe('writes within cells', () => {
  test.each([
    ['assign', 5, 5],
    ['assign_add', 2, 5],
    ['assign_sub', -2, 5],
  ])('%s: the new value is to gradients the variable itself', async (op, by, value) => {
    const nb = await service.notebook({ x: 3 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x * x');
    const reply = await tape.recorded(write(op, 'x', by));
    expect(reply).toMatchObject({ values: { written: value }, variables: { x: value } });
    const { variable } = await nb.send('GET', '/variables/x');
    expect(reply.versions).toEqual({ x: variable.version });
    expect(await nb.valueOf('x')).toBe(value);
    await tape.record('z = y * x');
    expect(await tape.gradient('z', ['x', 'written'])).toEqual([39, 9]);
  });

  test('within one cell, before and after the write', async () => {
    const nb = await service.notebook({ x: 3 });
    const tape = await nb.tape({ persistent: true });
    await tape.record({
      variables: { x: {} },
      nodes: [node('y', 'mul', ['x', 'x']), node('w', 'assign', ['x', 5]), node('z', 'mul', ['y', 'x'])],
    });
    expect(await tape.gradient('z', 'x')).toBe(39);
  });

  test('what was written is computed from what the tape knows, and gradients do not follow', async () => {
    const nb = await service.notebook({ x: 3, v: 1 });
    const tape = await nb.tape({ persistent: true });
    await tape.record('y = x * x');
    await tape.record(write('assign', 'v', 'y'));
    expect(await nb.valueOf('v')).toBe(9);
    await tape.record('z = v * x');
    expect(await tape.explained('z', ['x', 'v', 'y'])).toEqual([[9, 3, null], { y: 'through_state' }]);
  });

  test('a cell that fails writes nothing', async () => {
    const nb = await service.notebook({ x: 3 });
    const tape = await nb.tape();
    const graph = write('assign_add', 'x', 1) as { nodes: object[] };
    const failing = { ...graph, nodes: [...graph.nodes, node('bad', 'reshape', ['x'], { shape: [7] })] };
    expect(await refusal(tape.record(failing))).toMatchObject({ node: 'bad' });
    expect(await nb.send('GET', '/variables/x')).toMatchObject({ value: 3 });
    expect(await tape.record(graph)).toEqual({ written: 4 });
  });

  test('a counter of another dtype', async () => {
    const nb = await service.notebook({ n: { value: 1, dtype: 'int64' }, x: 2 });
    const tape = await nb.tape();
    for (let i = 0; i < 3; i++)
      await tape.record({ ...write('assign_add', 'n', 1), variables: { n: { dtype: 'int64' } } });
    expect(await nb.valueOf('n')).toBe(4);
  });

  test('a variable that a graph declares and the session lacks is made of the value sent', async () => {
    const nb = await service.notebook();
    const tape = await nb.tape();
    const graph = { variables: { w: {}, f: { trainable: false } }, nodes: [node('y', 'mul', ['w', 'f'])] };
    const first = await tape.recorded(graph, { w: [1, 2], f: [3, 4] });
    expect(first.variables).toEqual({ w: [1, 2], f: [3, 4] });
    expect(await tape.explained('y', ['w', 'f'])).toEqual([[[3, 4], null], { f: 'not_trainable' }]);
    const { variables } = await nb.send('GET', '/variables');
    expect(variables.map(({ name, trainable }: Json) => [name, trainable])).toEqual([
      ['f', false],
      ['w', true],
    ]);
  });
});

describe('without tapes', () => {
  test('versions grow with each write, and a write under an old one is refused', async () => {
    const nb = await service.notebook();
    const { version } = await nb.variable('x', [1, 2]);
    const put = (body: object, headers?: Record<string, string>) => nb.send('PUT', '/variables/x', body, headers);
    expect(await refusal(put({ value: [3, 4] }))).toMatchObject({ status: 428, code: 'version_required', input: 'x' });
    const next = (await put({ value: [3, 4] }, { 'if-match': `"${version}"` })).variable;
    expect(next.version).toBeGreaterThan(version);
    const stale = await refusal(put({ value: [5, 6], version }));
    expect(stale).toMatchObject({ status: 412, code: 'version_mismatch', input: 'x' });
    expect(stale.detail).toBe(`'x' has version ${next.version}, not ${version}`);
    expect(await nb.valueOf('x')).toEqual([3, 4]);
    expect(await refusal(nb.send('POST', '/variables/x/assign_add', { value: [1, 1], version }))).toMatchObject(
      stale && { code: 'version_mismatch' },
    );
    expect((await nb.assignAdd('x', [1, 1])).version).toBeGreaterThan(next.version);
    expect(await nb.valueOf('x')).toEqual([4, 5]);
  });

  test('several are updated at once, or none', async () => {
    const nb = await service.notebook({ a: 1, b: [2, 3], n: { value: 2, dtype: 'int32' } });
    const patch = (updates: Json) => nb.send('PATCH', '/variables', { updates });
    const { variables } = await patch({ a: { assign: 5 }, b: { assign_add: [1, 1] }, n: { assign_sub: 3 } });
    expect(new Set(variables.map(({ version }: Json) => version)).size).toBe(1);
    expect([await nb.valueOf('a'), await nb.valueOf('b'), await nb.valueOf('n')]).toEqual([5, [3, 4], -1]);
    expect(await refusal(patch({ a: { assign: 6 }, b: { assign: [1] } }))).toMatchObject({
      code: 'type_mismatch',
      input: 'b',
    });
    expect(await refusal(patch({ a: { assign: 6 }, c: { assign: 1 } }))).toMatchObject({
      code: 'not_found',
      input: 'c',
    });
    expect(await nb.valueOf('a')).toBe(5);
  });

  test('integers wrap around, float32 rounds once, float64 does not', async () => {
    const nb = await service.notebook({
      i: { value: 2 ** 31 - 1, dtype: 'int32' },
      f: { value: 16777216, dtype: 'float32' },
      d: { value: 16777216, dtype: 'float64' },
    });
    for (const name of ['i', 'f', 'd']) await nb.assignAdd(name, 1);
    expect([await nb.valueOf('i'), await nb.valueOf('f'), await nb.valueOf('d')]).toEqual([
      -(2 ** 31),
      16777216,
      16777217,
    ]);
  });
});
