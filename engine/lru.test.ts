import { expect, test } from 'vitest';
import { LruCache } from './lru.ts';

const one = (): number => 1;

test('forgets what was used least recently once the weight is over the capacity', () => {
  const cache = new LruCache<string>(103);
  for (const key of ['a', 'b', 'c'])
    cache.get(
      key,
      () => key,
      () => 24,
    );
  expect(cache.get('a', () => 'new', one)).toEqual({ value: 'a', cached: true });
  cache.get(
    'd',
    () => 'd',
    () => 24,
  );
  cache.get(
    'e',
    () => 'e',
    () => 24,
  );
  expect(cache.get('a', () => 'new', one).cached).toBe(true);
  expect(cache.get('b', () => 'new', one)).toEqual({ value: 'new', cached: false });
});

test('does not keep what is too heavy, nor what could not be made', () => {
  const cache = new LruCache<string>(100);
  cache.get(
    'heavy',
    () => 'first',
    () => 26,
  );
  expect(cache.get('heavy', () => 'second', one).value).toBe('second');
  expect(() =>
    cache.get(
      'bad',
      () => {
        throw new Error('no');
      },
      one,
    ),
  ).toThrow('no');
  expect(cache.get('bad', () => 'good', one)).toEqual({ value: 'good', cached: false });
});
