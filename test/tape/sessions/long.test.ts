/** @file Tapes that are used for long: what bounds them, and that a reset lets them go on. */
import { expect, test } from 'vitest';
import { portable } from '../../../engine/backends/portable.ts';
import { listening, refusal } from './notebook.ts';

const service = listening({ backend: portable, sessions: { events: 1300 }, limits: { equations: 3000 } });

test('a tape that is reset in every step takes any number of steps, and gives the same gradients', async () => {
  const nb = await service.notebook({ w: 3 });
  const tape = await nb.tape({ persistent: true });
  for (let step = 0; step < 700; step++) {
    // Two events a step: with all of them on record, step 650 would be refused.
    await tape.record('loss = w ** 2 * x', { x: 2 });
    if (step % 100 === 99) expect(await tape.gradient('loss', 'w')).toBe(12);
    await tape.reset();
  }
  // What was seen before the resets still has a name.
  expect(await tape.record('again = loss + x')).toEqual({ again: 20 });
}, 60_000);

test('a tape that is not reset is refused one event too many, and goes on after a reset', async () => {
  const nb = await service.notebook({ w: 3 });
  const tape = await nb.tape({ persistent: true });
  await tape.record('y = w ** 2');
  for (let events = 2; events < 1300; events += 2) {
    await tape.pause();
    await tape.resume();
  }
  const problem = await refusal(tape.pause());
  expect(problem).toMatchObject({ status: 429, code: 'quota_exceeded' });
  expect(problem.detail).toContain('may have 1300; reset it');
  expect(await tape.gradient('y', 'w')).toBe(6);
  await tape.reset();
  expect(await tape.record('z = w ** 3 + y')).toEqual({ z: 36 });
  expect(await tape.gradient('z', 'w')).toBe(27);
}, 60_000);

test('a tape holds as many equations as a program may have, and the same graph counts once', async () => {
  const nb = await service.notebook({ w: 3 });
  const tape = await nb.tape({ persistent: true });
  const chain = (length: number, seed: number): string => `y = w${` * ${seed} + w`.repeat(length)}`;
  for (let i = 0; i < 20; i++) await tape.record(chain(200, 1));
  const problem = await refusal(
    (async () => {
      for (let i = 2; i < 50; i++) await tape.record(chain(200, i));
    })(),
  );
  expect(problem).toMatchObject({ status: 400, code: 'limit_exceeded' });
  expect(problem.detail).toMatch(/the tape has \d+ equations recorded; .*the limit 'equations' is 3000/);
  expect(await tape.gradient('y', 'w')).toBeTypeOf('number');
}, 60_000);
