/** @file The catalogue: every op and composite by the names documents may use. */

import type { Composite } from '../composites/composite.ts';
import { COMPOSITES } from '../composites/index.ts';
import { didYouMean, EngineError, type Where } from '../errors.ts';
import { OPS } from './index.ts';
import type { Op, OpRules } from './op.ts';

/** What a node's `op` may name. */
export type Entry = OpRules | Composite;

const byName = new Map<string, Entry>();
for (const entry of [...OPS, ...COMPOSITES] as readonly (Op<any> | Composite)[]) {
  if ('surface' in entry && entry.surface === null) continue;
  for (const name of [entry.name, ...(entry.aliases ?? [])]) {
    if (byName.has(name)) throw new Error(`two entries of the catalogue are called '${name}'`);
    byName.set(name, entry);
  }
}

/** Every entry by name and alias. */
export const CATALOGUE: ReadonlyMap<string, Entry> = byName;

/** The entry that a document calls `op`; throws `unknown_op` with the nearest name. */
export function entryOf(op: string, where: Where = {}): Entry {
  const entry = byName.get(op);
  if (entry) return entry;
  const place = where.node === undefined ? '' : ` (node '${where.node}')`;
  throw new EngineError(
    'unknown_op',
    `there is no op '${op}'${place}.${didYouMean(op, byName.keys()) || ' GET /v1/ops lists them all.'}`,
    {
      op,
      ...where,
    },
  );
}
