/** @file Why there is no gradient: each of the reasons, and the sentence that goes with it. */
import { expect, test } from 'vitest';
import { unconnectedSchema } from '../../../services/api/schemas.ts';
import { choice, node } from '../harness.ts';
import { listening, type Tape } from './notebook.ts';

const service = listening();

/** For each reason: cells that lead to it, the source, and a part of the sentence. The target is `y`. */
const REASONS: readonly (readonly [string, readonly unknown[], string, string])[] = [
  ['not_watched', [['y = t * v', { t: 3 }]], 't', "'t' is not watched"],
  ['not_trainable', ['y = frozen * v'], 'frozen', 'trainable: false'],
  ['constant', ['c = 3.0; y = c * v'], 'c', "'c' is a constant"],
  ['integer_dtype', ['y = v * i'], 'i', 'integers or booleans'],
  ['not_on_path', ['z = x * 2', 'y = v * 2'], 'x', "'y' does not depend on 'x'"],
  ['not_on_path', ['y = v * 2'], 'x', "'y' does not depend on 'x'"],
  ['stop_gradient', ['y = v * stop_gradient(x)'], 'x', 'passes a stop_gradient'],
  [
    'through_state',
    [{ variables: { u: {} }, inputs: { x: {} }, nodes: [node('s', 'assign', ['u', 'x'])] }, 'y = u * v'],
    'x',
    'only through a value written to a variable',
  ],
  ['no_gradient_defined', ['f = floor(x)', 'y = f * v'], 'x', 'passes an op that has no derivative'],
  [
    'untaken_branch',
    [
      'p = v > 100',
      {
        inputs: { p: { dtype: 'bool' }, v: {}, x: {} },
        nodes: [choice('y', ['p'], { outputs: ['x'] }, { outputs: ['v'] })],
      },
    ],
    'x',
    'only through a branch that was not taken',
  ],
  ['not_recorded', ['pause', 'h = x * 2', 'resume', 'y = h * v'], 'x', 'only through what the tape did not record'],
];

async function run(tape: Tape, cells: readonly unknown[]): Promise<void> {
  for (const cell of cells)
    if (cell === 'pause' || cell === 'resume') await tape[cell]();
    else if (Array.isArray(cell)) await tape.record(cell[0], cell[1]);
    else await tape.record(cell);
}

test.each(REASONS)('%s, %#', async (reason, cells, source, sentence) => {
  const nb = await service.notebook({
    v: 2,
    x: 5,
    u: 1,
    frozen: { value: 3, trainable: false },
    i: { value: 4, dtype: 'int32' },
  });
  for (const kind of ['gradient', 'jacobian', 'pullback'] as const) {
    const tape = await nb.tape({ persistent: true });
    await run(tape, cells);
    const body = {
      gradient: { targets: 'y', sources: [source, 'v'] },
      jacobian: { target: 'y', sources: [source, 'v'] },
      pullback: { cotangents: { y: 1 }, sources: [source, 'v'] },
    }[kind];
    const reply = await tape.ask(kind, body);
    expect(Object.keys(reply.unconnected)).toEqual([source]);
    expect(reply.unconnected[source]).toMatchObject({ reason, detail: expect.stringContaining(sentence) });
    const made = reply.gradients ?? reply.jacobians ?? reply.cotangents;
    expect(made).toEqual([null, expect.any(Number)]);
    const zeros = await tape.ask(kind, body, { unconnected_gradients: 'zero' });
    expect(zeros.gradients ?? zeros.jacobians ?? zeros.cotangents).toEqual([0, made[1]]);
  }
});

test('every reason has a test', () => {
  const reasons = unconnectedSchema.valueType.shape.reason.options;
  expect([...new Set(REASONS.map(([reason]) => reason))].sort()).toEqual([...reasons].sort());
});

test('the reasons of several sources do not mix', async () => {
  const nb = await service.notebook({ a: 1, frozen: { value: 3, trainable: false }, unread: 1 });
  const tape = await nb.tape({ values: { i: { dtype: 'int32', shape: [], data: [2] } } });
  await tape.record('s = stop_gradient(a); c = 2.0; y = s * frozen * c * i');
  expect(await tape.explained('y', ['a', 'i', 'frozen', 'unread', 'c'])).toEqual([
    [null, null, null, null, null],
    { a: 'stop_gradient', i: 'integer_dtype', frozen: 'not_trainable', unread: 'not_on_path', c: 'constant' },
  ]);
});

test('of several paths the one that is open counts, whatever stands in the others', async () => {
  const nb = await service.notebook({ x: 3 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('a = stop_gradient(x); b = floor(x)');
  await tape.pause();
  await tape.record('c = x * 2');
  await tape.resume();
  await tape.record('y = a + b + c');
  expect(await tape.explained('y', 'x')).toEqual([null, { x: 'stop_gradient' }]);
  await tape.record('z = y + x');
  expect(await tape.explained('z', 'x')).toEqual([1, {}]);
});

test('what a tape was told of after the fact: another tape sees what the first one does not', async () => {
  const nb = await service.notebook({ x: 3 });
  const outer = await nb.tape({ persistent: true });
  await outer.record('y = x ** 2');
  const inner = await nb.tape({ persistent: true, outer });
  await inner.record('z = y * x');
  expect(await outer.gradient('z', 'x')).toBe(27);
  expect(await inner.gradient('z', 'x')).toBe(9);
  expect(await inner.explained('y', 'x')).toEqual([null, { x: 'not_recorded' }]);
  expect(await inner.explained('z', 'y')).toEqual([null, { y: 'not_recorded' }]);
});

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

test.each([
  ['stop_gradient', 's = stop_gradient(x)'],
  ['no_gradient_defined', 's = floor(x)'],
  ['integer_dtype', 's = cast(x, dtype="int32")'],
])('%s in one cell stands in the way of the next ones', async (reason, cell) => {
  const nb = await service.notebook({ x: 2, w: 1 });
  const tape = await nb.tape({ persistent: true });
  await tape.record(cell);
  await tape.record('m = cast(s, dtype="float32") * 2');
  await tape.record('y = m * w');
  expect(await tape.explained('m', ['x'])).toEqual([[null], { x: reason }]);
  expect(await tape.explained('y', ['x', 'w'])).toEqual([[null, 4], { x: reason }]);
});
