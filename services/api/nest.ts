/** @file Nestings of names: taken apart into a list, and results put back into the same structure. */
import type { Nest } from './schemas.ts';

/** The names in a nesting, in order. */
export function namesIn(nest: Nest): string[] {
  if (typeof nest === 'string') return [nest];
  const parts = Array.isArray(nest) ? (nest as readonly Nest[]) : Object.values(nest as Record<string, Nest>);
  return parts.flatMap(namesIn);
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
