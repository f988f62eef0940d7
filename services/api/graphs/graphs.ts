/** @file Graphs that are kept under the address of their content, so that a request may name one instead of sending it. */
import { createHash } from 'node:crypto';
import type { Engine } from '../../../engine/engine.ts';
import { EngineError } from '../../../engine/errors.ts';
import { digestOf, REPLY_BYTES, type ReplyRow, type Store } from '../../sessions/store.ts';
import type { Kept } from '../kept.ts';

/** A kept graph. */
export interface KeptGraph {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The graphs of all tenants. */
export class Graphs {
  readonly #engine: Engine;
  readonly #store: Store;
  readonly #ttl: number;
  readonly #kept: Kept;

  constructor(engine: Engine, store: Store, ttl: number, kept: Kept) {
    this.#engine = engine;
    this.#store = store;
    this.#ttl = ttl;
    this.#kept = kept;
  }

  /** Keeps a graph as sent, or renews the one that is there. */
  async put(tenant: string, json: unknown): Promise<KeptGraph> {
    const document = this.#engine.readGraph(json);
    // One address for all orders of members; what is kept has the order of the names as they were sent.
    const id = `sha256:${createHash('sha256').update(textOf(document, sorted)).digest('hex')}`;
    const bytes = Buffer.from(textOf(document, (members) => members));
    const digest = digestOf(tenant, bytes);
    const row: ReplyRow = {
      tenant,
      key: keyOf(id),
      fingerprint: id,
      response: { digest, bytes: bytes.length },
      expiresAt: Date.now() + this.#ttl,
    };
    await this.#kept.check(tenant);
    this.#kept.add(tenant, bytes.length + REPLY_BYTES);
    await this.#store.putReply(row, new Map([[digest, bytes]]));
    return { id, expiresAt: row.expiresAt };
  }

  /** A graph and its document; throws `not_found`. Renews it. */
  async get(tenant: string, id: string, pointer = '/graph'): Promise<KeptGraph & { readonly document: unknown }> {
    const row = await this.#store.reply(tenant, keyOf(id));
    if (row === undefined || row.expiresAt <= Date.now())
      throw new EngineError('not_found', `there is no graph '${id}'; it may have expired, so put it again`, {
        pointer,
      });
    const bytes = await this.#store.blob(tenant, row.response);
    const renewed = Date.now() + this.#ttl;
    const isFresh = renewed - row.expiresAt < this.#ttl / 20;
    if (!isFresh) await this.#store.putReply({ ...row, expiresAt: renewed }, new Map());
    const expiresAt = isFresh ? row.expiresAt : renewed;
    return { id, expiresAt, document: JSON.parse(Buffer.from(bytes).toString()) };
  }

  /** The request with documents in the place of the graphs that it names; at once where it names none. */
  resolve<R>(tenant: string, request: R): R | Promise<R> {
    return namesGraph(request) ? this.#resolve(tenant, request) : request;
  }

  async #resolve<R>(tenant: string, request: R): Promise<R> {
    const { graph, transforms } = request as Named;
    const resolved: Record<string, unknown> = { ...(request as object) };
    if (isReference(graph)) resolved.graph = (await this.get(tenant, graph.id)).document;
    if (transforms !== undefined)
      resolved.transforms = await Promise.all(
        transforms.map(async (transform, i) => {
          if (!isReference(transform.graph)) return transform;
          const { document } = await this.get(tenant, transform.graph.id, `/transforms/${i}/graph`);
          return { ...transform, graph: document };
        }),
      );
    return resolved as R;
  }
}

/** The key of the reply that a kept graph is; the space keeps it apart from the keys of clients. */
function keyOf(id: string): string {
  return `graph ${id}`;
}

/** Where requests have graphs. */
interface Named {
  readonly graph?: unknown;
  readonly transforms?: readonly { readonly graph?: unknown }[];
}

function namesGraph(request: unknown): boolean {
  const { graph, transforms } = request as Named;
  return isReference(graph) || (transforms?.some((transform) => isReference(transform.graph)) ?? false);
}

function isReference(graph: unknown): graph is { readonly id: string } {
  if (typeof graph !== 'object' || graph === null || Object.keys(graph).length !== 1) return false;
  return typeof (graph as { id?: unknown }).id === 'string';
}

/** A document as JSON text, with the sign of zero in it. */
function textOf(document: unknown, order: (members: object) => object): string {
  return JSON.stringify(document, (_, part: unknown) => {
    if (Object.is(part, -0)) return JSON.rawJSON('-0');
    return typeof part === 'object' && part !== null && !Array.isArray(part) ? order(part) : part;
  });
}

function sorted(members: object): object {
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
}
