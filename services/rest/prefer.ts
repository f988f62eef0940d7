/** @file The header `Prefer` (RFC 7240), as far as this service heeds it. */

/** Whether the client would rather be told where the work goes on than wait for it. */
export function prefersAsync(header: unknown): boolean {
  if (typeof header !== 'string') return false;
  return header.split(',').some((preference) => /^\s*respond-async\s*(;|$)/i.test(preference));
}
