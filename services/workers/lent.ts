/** @file Requests of which nothing is kept when they are answered, so that the memory of their arrays can be given back. */
import { Value } from '../../engine/program/value.ts';
import type { EngineMethod } from '../api/method.ts';
import { discard } from '../memory.ts';

/** Whether nobody has arrays of a request once it is answered; what goes into a session or onto a tape stays there. */
export function isLent(method: EngineMethod, request: unknown): boolean {
  return method.computes === true && (request as { readonly session?: unknown }).session === undefined;
}

/** Gives back the memory of a request's values. */
export function giveBack(request: unknown): void {
  const { values = {} } = request as { readonly values?: Readonly<Record<string, unknown>> };
  for (const name in values) {
    const value = values[name];
    if (value instanceof Value) discard(value.data.buffer);
  }
}
