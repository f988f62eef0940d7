/** @file What zod found, as sentences with pointers. */
import type { z } from 'zod';
import { didYouMean, type Violation } from '../errors.ts';

/** At most this many faults are told at once: a body of a million wrong numbers has one cause. */
const MAX_VIOLATIONS = 20;

/** The faults of a failed parse; of a union's, those of its nearest member. `known` gives the keys an object may have. */
export function violationsOf(error: z.ZodError, pointer = '', known: readonly string[] = []): Violation[] {
  return issuesOf(error.issues, pointer, known).slice(0, MAX_VIOLATIONS);
}

function issuesOf(issues: readonly z.core.$ZodIssue[], pointer: string, known: readonly string[]): Violation[] {
  return issues.flatMap((issue): Violation[] => {
    const at = pointer + issue.path.map((part) => `/${escapePointer(String(part))}`).join('');
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({
          pointer: `${at}/${escapePointer(key.slice(0, 128))}`,
          detail: `'${key.slice(0, 128)}' is not a field here.${didYouMean(key, known)}`,
        }));
      case 'invalid_union': {
        // The member that got furthest says what is wrong; its issues' paths are relative to the union.
        const furthest = [...issue.errors].sort((a, b) => depthOf(b) - depthOf(a))[0] ?? [];
        const inner = issuesOf(furthest, at, known);
        return inner.length > 0 ? inner : [{ pointer: at, detail: issue.message }];
      }
      default:
        return [{ pointer: at, detail: issue.message }];
    }
  });
}

function depthOf(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

/** RFC 6901's escapes. */
export function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
