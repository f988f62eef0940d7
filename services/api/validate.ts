/** @file Requests held to a method's schema; what zod finds wrong becomes sentences with pointers. */
import { EngineError } from '../../engine/errors.ts';
import { violationsOf } from '../../engine/program/violations.ts';
import type { Method } from './method.ts';

/**
 * The request as the method's schema reads it; throws `invalid_request` listing what is wrong with it. `at` is where in
 * the body it lies.
 */
export function validate(method: Method, request: unknown, at = ''): unknown {
  const parsed = method.request.safeParse(request);
  if (parsed.success) return parsed.data;
  const violations = violationsOf(parsed.error, request, method.request, at);
  const [{ detail, pointer }] = violations;
  throw new EngineError('invalid_request', detail, { pointer }, violations);
}
