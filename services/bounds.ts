/** @file Every bound of the service by name: what `GetLimits` tells. */
import type { Config } from './config.ts';
import { grpcBounds } from './grpc/bounds.ts';
import { restBounds } from './rest/pipeline.ts';

/** The bounds of the engine and of both ports. */
export function boundsOf(config: Config): Readonly<Record<string, number>> {
  return { ...restBounds(config), ...grpcBounds(config) };
}
