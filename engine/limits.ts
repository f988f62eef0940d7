/** @file Every bound of the engine; the services publish them in `GET /v1/limits`. */

import { EngineError, type Where } from './errors.ts';

/** The bounds a request is held to; each is inclusive. */
export interface Limits {
  /** Nodes of one graph document, sub-graphs included. */
  readonly nodes: number;
  /** Inputs of one node. */
  readonly inputs_per_node: number;
  /** Elements of all lists in one param. */
  readonly param_elements: number;
  /** Inputs, variables and constants of one graph document. */
  readonly names: number;
  /** Outputs of one graph document; targets, sources, tangents or cotangents of one request. */
  readonly outputs: number;
  /** Characters of one name. */
  readonly name_length: number;
  /** Dimensions of one tensor. */
  readonly rank: number;
  /** Elements of one tensor. */
  readonly elements: number;
  /** Elements of all constants of one graph document together. */
  readonly constant_elements: number;
  /** Sub-graphs within sub-graphs. */
  readonly subgraph_depth: number;
  /** Steps of one `scan`. */
  readonly trips: number;
  /** Transforms that differentiate, applied on one another. */
  readonly order: number;
  /** Equations of a derived program. */
  readonly equations: number;
  /** Bytes a computation may hold at its peak. */
  readonly peak_bytes: number;
  /** Scalar operations of one request. */
  readonly flops: number;
  /** Characters of a text graph. */
  readonly text_length: number;
}

/** The bounds in force unless the configuration says otherwise. */
export const DEFAULT_LIMITS: Limits = {
  nodes: 100_000,
  inputs_per_node: 64,
  param_elements: 4_096,
  names: 10_000,
  outputs: 1_000,
  name_length: 128,
  rank: 8,
  elements: 2 ** 27,
  constant_elements: 2 ** 20,
  subgraph_depth: 6,
  trips: 1_000_000,
  order: 4,
  equations: 4_000_000,
  peak_bytes: 2 ** 31,
  flops: 1e13,
  text_length: 65_536,
};

/** Throws `limit_exceeded` when `count` is over a limit; `found` says what was found, as in `'x' has 9 dimensions`. */
export function checkLimit(
  limits: Limits,
  name: keyof Limits,
  count: number,
  found: () => string,
  where: Where = {},
): void {
  if (count > limits[name])
    throw new EngineError('limit_exceeded', `${found()}; the limit '${name}' is ${limits[name]}`, where);
}
