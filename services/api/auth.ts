/** @file Who is calling: an API key names a tenant. */
import { timingSafeEqual } from 'node:crypto';
import { EngineError } from '../../engine/errors.ts';
import { type ApiKey, digestOf } from '../config.ts';

/** The tenant of everybody where no keys are configured, which only a loopback address allows. */
export const LOCAL_TENANT = 'local';

/** The tenant that an `Authorization` header proves; throws `unauthenticated`. */
export function authenticate(authorization: string | undefined, keys: readonly ApiKey[]): string {
  if (keys.length === 0) return LOCAL_TENANT;
  const [, key] = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '') ?? [];
  if (key === undefined) throw refusal('an API key is needed: send the header Authorization: Bearer <key>');
  const digest = digestOf(key);
  let tenant: string | undefined;
  // Every key is compared, so that the time taken does not tell which one matched.
  for (const known of keys) if (timingSafeEqual(known.digest, digest)) tenant = known.tenant;
  if (tenant === undefined) throw refusal('the API key is not known');
  return tenant;
}

function refusal(detail: string): EngineError {
  return new EngineError('unauthenticated', detail);
}
