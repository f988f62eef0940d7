import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Checkpoint } from './backends/backend.ts';
import { interruptibly, isInterruption, look, poll } from './interrupt.ts';

/** A checkpoint that counts how often it is asked. */
function counting(): Checkpoint & { asked: number } {
  const checkpoint = {
    asked: 0,
    left: () => Infinity,
    check() {
      checkpoint.asked++;
    },
  };
  return checkpoint;
}

/** Polls so often that a checkpoint is asked. */
function pollLong(): void {
  for (let i = 0; i < 10_000; i++) poll();
}

test('work that nobody bound to a checkpoint is not interrupted', () => {
  expect(() => pollLong()).not.toThrow();
  expect(() => look()).not.toThrow();
});

test('a checkpoint is asked now and then, the more often the more a turn is said to do', () => {
  const light = counting();
  interruptibly(light, pollLong);
  const heavy = counting();
  interruptibly(heavy, () => {
    for (let i = 0; i < 10_000; i++) poll(1e9);
  });
  expect(light.asked).toBeGreaterThan(5);
  expect(light.asked).toBeLessThan(1_000);
  expect(heavy.asked).toBe(10_000);
});

test('within other work, the innermost checkpoint is asked, and the outer one again afterwards', () => {
  const [outer, inner] = [counting(), counting()];
  interruptibly(outer, () => {
    look();
    interruptibly(inner, () => {
      look();
      look();
    });
    look();
  });
  look();
  expect([outer.asked, inner.asked]).toEqual([2, 2]);
});

test('work that fails, or is interrupted, leaves no checkpoint behind', () => {
  const reason = new Error('the end has come');
  const ended: Checkpoint = {
    left: () => 0,
    check() {
      throw reason;
    },
  };
  const outer = counting();
  interruptibly(outer, () => {
    expect(() => interruptibly(ended, pollLong)).toThrow(reason);
    expect(() =>
      interruptibly(ended, () => {
        throw new Error('a fault');
      }),
    ).toThrow('a fault');
    look();
  });
  expect(outer.asked).toBe(1);
  expect(() => pollLong()).not.toThrow();
});

test('what goes on after waiting is not bound to the checkpoint', async () => {
  const checkpoint = counting();
  const work = interruptibly(checkpoint, async () => {
    look();
    await turn();
    look();
    return 7;
  });
  look();
  expect(await work).toBe(7);
  expect(checkpoint.asked).toBe(1);
});

test('an interruption is told from other errors', () => {
  const reason = new Error('the end has come');
  const ended: Checkpoint = {
    left: () => 0,
    check() {
      throw reason;
    },
  };
  expect(isInterruption(reason)).toBe(false);
  expect(() => interruptibly(ended, look)).toThrow(reason);
  expect(isInterruption(reason)).toBe(true);
  expect(isInterruption(new Error('another'))).toBe(false);
});
