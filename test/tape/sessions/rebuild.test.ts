/** @file Tapes whose values are gone: let go to keep a bound, or lost with the process; the answers are the same. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../../services/sessions/sqlite/store.ts';
import { choice, expectClose, type Json, node, reasonsOf } from '../harness.ts';
import { listening, type Notebook, refusal, type Tape } from './notebook.ts';

const folder = mkdtempSync(join(tmpdir(), 'adjoint-tapes-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A service that is stopped and started again on its folder. */
const durable = listening({ store: () => openSqliteStore(folder) });
const forgetful = listening({ sessions: { memory: 1 } });
const resident = listening({ sessions: { resident: 1 } });

/** A notebook with everything in it that a tape can see, and what it answers. */
async function everything(nb: Notebook): Promise<{ readonly outer: Tape; readonly inner: Tape; readonly once: Tape }> {
  const outer = await nb.tape({ persistent: true, tape: 'outer', values: { c: [1, 2] }, watch: 'c' });
  const inner = await nb.tape({ persistent: true, tape: 'inner', outer, watch: 'frozen' });
  const once = await nb.tape({ tape: 'once', watch_accessed_variables: false, watch: 'x' });
  await once.record('y = x ** 3');
  await inner.record('a = sin(x) * frozen; b = a * c');
  await inner.record({ variables: { x: {} }, inputs: {}, nodes: [node('more', 'assign_add', ['x', 1])] });
  await nb.assign('frozen', 5);
  await inner.pause();
  await inner.record('hidden = x * frozen');
  await inner.resume();
  await inner.record({
    inputs: { b: {} },
    nodes: [node('pair', 'reshape', ['b'], { shape: [1, 2] }), node('layer', 'dense', ['pair'], { units: 1 })],
  });
  await inner.record(
    {
      inputs: { p: { dtype: 'bool' }, b: {}, c: {} },
      nodes: [choice('chosen', ['p'], { outputs: ['b'] }, { outputs: ['c'] })],
    },
    { p: true },
  );
  await inner.record('z = sum(chosen * x + hidden) + sum(layer)');
  await inner.gradient('z', ['x', 'frozen'], { record: [outer, 'g'] });
  await outer.record({ inputs: { 'g/x': {}, c: {} }, nodes: [node('q', 'mul', ['g/x', 'c'])] });
  await inner.pushforward({ x: 1 }, 'z', { record: [inner, 'along'] });
  return { outer, inner, once };
}

async function answers({ outer, inner }: { readonly outer: Tape; readonly inner: Tape }): Promise<Json[]> {
  const sources = ['x', 'frozen', 'c', 'a', 'layer/kernel:0'];
  const found: Json[] = [];
  for (const ask of [
    () => inner.ask('gradient', { targets: 'z', sources }),
    () => outer.ask('gradient', { targets: 'z', sources }),
    () => outer.ask('gradient', { targets: ['g/x', 'g/frozen'], sources }),
    () => inner.ask('gradient', { targets: 'along', sources: ['x', 'c'] }),
    () => inner.ask('jacobian', { target: 'b', sources: ['x', 'c'] }),
    () =>
      outer.ask('pullback', {
        cotangents: {
          b: [
            [1, 2],
            [3, 4],
          ],
        },
        sources: ['x', 'c'],
      }),
    () => inner.ask('pushforward', { tangents: { x: 1 }, targets: ['a', 'z'] }),
  ]) {
    const { meta: _, unconnected, ...rest } = await ask();
    found.push([rest, reasonsOf({ unconnected })]);
  }
  return found;
}

const VARIABLES: Json = { x: 0.7, frozen: { value: 3, trainable: false } };

describe('what was lost is made again, and the answers are the same', () => {
  test('when the process ends', async () => {
    const nb = await durable.notebook(VARIABLES);
    const { outer, inner, once } = await everything(nb);
    const before = await answers({ outer, inner });
    const infos = await nb.send('GET', '/tapes');
    const info = await nb.info();
    await durable.restart();
    expectClose(await answers({ outer, inner }), before, 0);
    const { tapes } = await nb.send('GET', '/tapes');
    const told = ({ resident_bytes: _, ...rest }: Json): Json => rest;
    expect(tapes.map(told)).toEqual(infos.tapes.map(told));
    const { expires_at: _, ...lasting } = info;
    expect(await nb.info()).toMatchObject(lasting);
    // A tape that was not used up goes on; when it is, that lasts too.
    await once.record('w = y * x');
    expectClose(await once.gradient('w', 'x'), derivativeOfW(), 1e-5);
    await durable.restart();
    expect(await refusal(once.gradient('w', 'x'))).toMatchObject({ code: 'tape_used' });
    await once.reset();
    await durable.restart();
    await once.record('w = y * x');
    expect(await once.explained('w', 'y')).toEqual([null, { y: 'not_recorded' }]);
  });

  test('when values are let go after each request', async () => {
    const [kept, gone] = [await durable.notebook(VARIABLES), await forgetful.notebook(VARIABLES)];
    const [here, there] = [await everything(kept), await everything(gone)];
    // The kernel is random: the same in both.
    const kernel = await kept.valueOf('layer/kernel:0');
    expect(await gone.valueOf('layer/kernel:0')).toEqual(kernel);
    expectClose(await answers(there), await answers(here), 0);
    expect(await there.inner.ask('gradient', { targets: 'z', sources: ['x'] })).toMatchObject({
      meta: { rebuilt: true },
    });
    expect((await there.inner.info()).resident_bytes).toBe(0);
  });

  test('when sessions take turns in memory', async () => {
    const one = await resident.notebook(VARIABLES);
    const two = await resident.notebook(VARIABLES);
    const [a, b] = [await everything(one), await everything(two)];
    const first = await answers(a);
    expectClose(await answers(b), first, 0);
    for (let i = 0; i < 2; i++) {
      expect((await a.inner.ask('gradient', { targets: 'z', sources: 'x' })).meta.rebuilt).toBe(true);
      expect((await b.inner.ask('gradient', { targets: 'z', sources: 'x' })).meta.rebuilt).toBe(true);
    }
    expectClose(await answers(a), first, 0);
  });
});

/** The derivative of `y * x` by `x`, where `y` is the cube of 0.7 and `x` is 1.7 by now, both reads moving together. */
function derivativeOfW(): number {
  return 3 * 0.7 ** 2 * 1.7 + 0.7 ** 3;
}

test('a restart in the middle of a notebook is not noticed', async () => {
  const nb = await durable.notebook({ x: 3 });
  const outer = await nb.tape({ persistent: true });
  const inner = await nb.tape({ outer });
  await inner.record('y = x ** 2');
  await durable.restart();
  await inner.record('z = y * x');
  await durable.restart();
  expect(await inner.gradient('z', 'x', { record: [outer, 'dz'] })).toBe(27);
  await durable.restart();
  await outer.record('w = dz * x');
  await durable.restart();
  expect(await outer.gradient('w', 'x')).toBe(81);
  expect(await outer.gradient('dz', 'x')).toBe(18);
  expect(await refusal(inner.gradient('z', 'x'))).toMatchObject({ code: 'tape_used' });
});

test('a cell runs once when it is recorded, and not again for what is asked of it', async () => {
  const nb = await durable.notebook({ x: 3 });
  const tape = await nb.tape({ persistent: true });
  // The middle one is read by the derivative under its name.
  expect((await tape.recorded('a = sin(x); b = a * a; c = b * x')).meta).toMatchObject({
    forward_passes: 1,
    rebuilt: false,
  });
  for (const source of ['x', 'a', 'b'])
    expect((await tape.ask('gradient', { targets: 'c', sources: source })).meta).toMatchObject({
      forward_passes: 0,
      rebuilt: false,
    });
});
