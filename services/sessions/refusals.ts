/** @file What the stores refuse, in words that all of them share. */
import { EngineError } from '../../engine/errors.ts';
import type { SessionRow } from './store.ts';

/** Throws unless there is a session and it has this revision. */
export function expectRevision(id: string, session: SessionRow | undefined, revision: number): void {
  if (session === undefined) throw new EngineError('not_found', `There is no session '${id}'.`);
  if (session.revision !== revision)
    throw new EngineError('version_mismatch', `Session '${id}' has revision ${session.revision}, not ${revision}.`);
}

/** The refusal of a session whose id is taken. */
export function sessionExists(id: string): EngineError {
  return new EngineError('already_exists', `There is a session '${id}' already.`);
}

/** The refusal of a session over the tenant's bound. */
export function tooManySessions(limit: number): EngineError {
  return new EngineError('quota_exceeded', `There are ${limit} sessions already, and there may be no more.`);
}

/** The fault of a digest that nothing is kept under. */
export function unknownBlob(digest: string): EngineError {
  return EngineError.from(new Error(`There is no blob '${digest}'`));
}

/** The fault of a blob that a row names and that is not what it was. */
export function lostBlob(digest: string, problem: string, cause?: unknown): EngineError {
  return EngineError.from(new Error(`The blob '${digest}' ${problem}`, { cause }));
}
