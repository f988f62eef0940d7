/** @file Versions as entity tags: `ETag`, `If-Match` and `If-None-Match` (RFC 9110). */
import { EngineError } from '../../engine/errors.ts';

/** The entity tag of a version. */
export function etagOf(version: number | string): string {
  return `"${version}"`;
}

/** The version that `If-Match` asks for: a number, or `*` for whatever there is. Throws `invalid_request`. */
export function readIfMatch(header: string): number | '*' {
  if (header === '*') return header;
  const [, version] = /^"(\d{1,15})"$/.exec(header) ?? [];
  if (version !== undefined) return Number(version);
  throw new EngineError('invalid_request', 'the header If-Match must be one version in quotes, as in "7", or *');
}

/** Whether `If-None-Match` names this version: then the client has it already. Tags that are not ours match nothing. */
export function isKnown(header: string, version: number | string): boolean {
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etagOf(version));
}
