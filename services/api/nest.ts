/** @file Nestings of names: taken apart into a list, and results put back into the same structure. */
import { checkLimit, type Limits } from '../../engine/limits.ts';
import type { Nest } from './schemas.ts';

/** The distinct names in a nesting, in order; throws `limit_exceeded` when it holds too many. */
export function namesIn(nest: Nest, limits: Limits, field: string): string[] {
  const names = [...leaves(nest)];
  checkNames(names.length, limits, field);
  return [...new Set(names)];
}

/** One name or several, as a list; throws `limit_exceeded` when there are too many. */
export function listOf(names: string | readonly string[], limits: Limits, field: string): readonly string[] {
  if (typeof names === 'string') return [names];
  checkNames(names.length, limits, field);
  return names;
}

/** Throws `limit_exceeded` when a field of the request has too many names. */
export function checkNames(count: number, limits: Limits, field: string): void {
  checkLimit(limits, 'outputs', count, () => `'${field}' has ${count} names`, { pointer: `/${field}` });
}

function* leaves(nest: Nest): Generator<string> {
  if (typeof nest === 'string') {
    yield nest;
    return;
  }
  const parts = Array.isArray(nest) ? (nest as readonly Nest[]) : Object.values(nest as Record<string, Nest>);
  for (const part of parts) yield* leaves(part);
}

/** The nesting with each name replaced; `null` stays where a result is missing. */
export function packed<T>(nest: Nest, result: (name: string) => T): unknown {
  if (typeof nest === 'string') return result(nest);
  if (Array.isArray(nest)) return (nest as readonly Nest[]).map((part) => packed(part, result));
  return new Map(Object.entries(nest as Record<string, Nest>).map(([key, part]) => [key, packed(part, result)]));
}

/** Looks results up by the names they were made for, in order. */
export function byName<T>(names: readonly string[], results: readonly T[]): (name: string) => T {
  const found = new Map(names.map((name, i) => [name, results[i] as T]));
  return (name) => found.get(name) as T;
}
