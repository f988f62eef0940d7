import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EngineError } from '../../engine/errors.ts';
import { Queue } from './queue.ts';

interface Job {
  readonly tenant: string;
  readonly cost: number;
  readonly name: string;
}

const always = (): boolean => true;

function job(tenant: string, cost: number, name = ''): Job {
  return { tenant, cost, name };
}

test('the jobs of one tenant begin in the order in which they came', () => {
  const queue = new Queue<Job>(10);
  for (const name of ['a', 'b', 'c']) queue.push(job('t', 1, name), 1);
  expect([1, 2, 3].map(() => queue.take(always)?.name)).toEqual(['a', 'b', 'c']);
  expect(queue.take(always)).toBeUndefined();
});

test('a job that cannot begin yet is passed over, and keeps its place', () => {
  const queue = new Queue<Job>(10);
  for (const name of ['a', 'b', 'c']) queue.push(job('t', 1, name), 1);
  expect(queue.take(({ name }) => name !== 'a')?.name).toBe('b');
  expect(queue.take(always)?.name).toBe('a');
});

test('room is kept for the job whose turn it is, though others would fit', () => {
  const queue = new Queue<Job>(10);
  queue.push(job('flood', 1), 1);
  expect(queue.take(always)?.tenant).toBe('flood');
  for (let i = 0; i < 5; i++) queue.push(job('flood', 1), 1);
  queue.push(job('large', 10, 'waits'), 1);
  const isSmall = ({ cost }: Job): boolean => cost < 5;
  // It came later, and has had as much: the flood has one more.
  expect(queue.take(always, isSmall)?.tenant).toBe('flood');
  expect(queue.take(always, isSmall)).toBeUndefined();
  expect(queue.take(always)?.name).toBe('waits');
  expect(queue.take(always, isSmall)?.tenant).toBe('flood');
});

test('tenants with work get the same share of the workers, whatever their jobs cost and however many they send', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ tenant: fc.constantFrom('a', 'b', 'c'), cost: fc.integer({ min: 1, max: 50 }) }), {
        minLength: 200,
        maxLength: 200,
      }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 200, maxLength: 200 }),
      (jobs, actual) => {
        const queue = new Queue<Job>(1000);
        const left = new Set(jobs.map(({ tenant, cost }) => job(tenant, cost)));
        for (const each of left) queue.push(each, 1);
        const spent = new Map<string, number>();
        for (let i = 0; ; i++) {
          const waiting = new Set([...left].map(({ tenant }) => tenant));
          if (waiting.size < 3) return;
          const taken = queue.take(always) as Job;
          left.delete(taken);
          const cost = actual[i] as number;
          queue.settle(taken.tenant, cost - taken.cost);
          spent.set(taken.tenant, (spent.get(taken.tenant) ?? 0) + cost);
          const all = [...waiting].map((tenant) => spent.get(tenant) ?? 0);
          // While all three have work waiting, none is ahead of another by more than the largest job.
          expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(50);
        }
      },
    ),
  );
});

test('who was away has saved nothing', () => {
  const queue = new Queue<Job>(100);
  for (let i = 0; i < 40; i++) queue.push(job('steady', 10), 1);
  for (let i = 0; i < 20; i++) queue.take(always);
  for (let i = 0; i < 20; i++) queue.push(job('late', 10), 1);
  const taken = Array.from({ length: 10 }, () => queue.take(always)?.tenant);
  expect(taken.filter((tenant) => tenant === 'late')).toHaveLength(5);
});

test('what was spent while nobody waited is taken from nobody', () => {
  const queue = new Queue<Job>(100);
  queue.push(job('a', 1), 1);
  queue.take(always);
  queue.settle('a', 10_000);
  for (let i = 0; i < 3; i++) for (const tenant of ['a', 'b']) queue.push(job(tenant, 1), 1);
  const taken = Array.from({ length: 4 }, () => queue.take(always)?.tenant);
  expect(taken.filter((tenant) => tenant === 'a')).toHaveLength(2);
});

test('a full queue takes from the tenant that has most in it', () => {
  const queue = new Queue<Job>(4);
  for (const name of ['1', '2', '3', '4']) queue.push(job('greedy', 1, name), 7);
  expect(queue.push(job('modest', 1, 'm'), 7)?.name).toBe('4');
  expect(queue.length).toBe(4);
  expect(refusal(() => queue.push(job('greedy', 1), 7))).toEqual({ code: 'rate_limited', retryAfter: 7 });
  // Half each is fair: neither may push the other out.
  expect(queue.push(job('modest', 1), 7)?.tenant).toBe('greedy');
  expect(refusal(() => queue.push(job('modest', 1), 7))).toEqual({ code: 'rate_limited', retryAfter: 7 });
});

test('a tenant that fills the queue alone is told that the service is overloaded', () => {
  const queue = new Queue<Job>(2);
  queue.push(job('t', 1), 3);
  queue.push(job('t', 1), 3);
  expect(refusal(() => queue.push(job('t', 1), 3))).toEqual({ code: 'overloaded', retryAfter: 3 });
  expect(queue.length).toBe(2);
});

test('the last places are left to others by the tenant with the most jobs, so that none of its own gives way', () => {
  const queue = new Queue<Job>(16);
  queue.push(job('modest', 1), 1);
  for (let i = 0; i < 13; i++) queue.push(job('greedy', 1), 1);
  expect(refusal(() => queue.push(job('greedy', 1), 1))).toMatchObject({ code: 'rate_limited' });
  for (let i = 0; i < 2; i++) expect(queue.push(job('modest', 1), 1)).toBeUndefined();
  // Now it is full, and who has fewer is still let in.
  expect(queue.push(job('modest', 1), 1)).toMatchObject({ tenant: 'greedy' });
  expect(queue.length).toBe(16);
});

test('what is said before a job is sent is what becomes of it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.constantFrom('a', 'b', 'c', 'take'), { minLength: 1, maxLength: 40 }),
      (bound, steps) => {
        const queue = new Queue<Job>(bound);
        for (const step of steps) {
          if (step === 'take') {
            queue.take(always);
            continue;
          }
          const foretold = queue.refusal(step, 7);
          let thrown: unknown;
          try {
            queue.push(job(step, 1), 7);
          } catch (reason) {
            thrown = reason;
          }
          expect(described(thrown)).toEqual(described(foretold));
          expect(queue.length).toBeLessThanOrEqual(bound);
        }
      },
    ),
  );
});

test('what is not wanted any more goes', () => {
  const queue = new Queue<Job>(2);
  const gone = job('t', 5);
  queue.push(gone, 1);
  queue.push(job('t', 2), 1);
  expect(queue.remove(gone)).toBe(true);
  expect(queue.remove(gone)).toBe(false);
  expect([queue.length, queue.cost]).toEqual([1, 2]);
});

function refusal(run: () => unknown): unknown {
  try {
    run();
  } catch (reason) {
    const { code, retryAfter } = reason as EngineError;
    return { code, retryAfter };
  }
  return undefined;
}

function described(reason: unknown): unknown {
  if (reason === undefined) return undefined;
  const { code, message, retryAfter } = reason as EngineError;
  return { code, message, retryAfter };
}
