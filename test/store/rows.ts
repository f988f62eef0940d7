/** @file Rows and changes for the tests of the stores, with what a test does not care about filled in. */
import { createCipheriv } from 'node:crypto';
import {
  type BlobRef,
  type Change,
  digestOf,
  type OperationRow,
  type ReplyRow,
  type SessionRow,
  type VariableRow,
} from '../../services/sessions/store.ts';

/** Bytes that look random, from place to place and from seed to seed. */
export function bytesOf(length: number, seed = 0): Uint8Array {
  const nonce = Buffer.alloc(16);
  nonce.writeInt32LE(seed);
  // The key stream of a cipher: the quickest such bytes there are.
  return new Uint8Array(createCipheriv('aes-128-ctr', Buffer.alloc(16), nonce).update(new Uint8Array(length)));
}

export function refOf(bytes: Uint8Array, tenant = 'acme'): BlobRef {
  return { digest: digestOf(tenant, bytes), bytes: bytes.length };
}

/** The blobs of a change. */
export function blobsOf(contents: readonly Uint8Array[], tenant = 'acme'): ReadonlyMap<string, Uint8Array> {
  return new Map(contents.map((bytes) => [digestOf(tenant, bytes), bytes]));
}

export function sessionRow(fields: Partial<SessionRow> = {}): SessionRow {
  return { tenant: 'acme', id: 's', createdAt: 1_000, expiresAt: 2_000, ttl: 1_000, revision: 0, ...fields };
}

export function variableRow(name: string, value: BlobRef, fields: Partial<VariableRow> = {}): VariableRow {
  return { name, dtype: 'float32', shape: [value.bytes / 4], trainable: true, version: 1, value, ...fields };
}

export function change(revision: number, fields: Partial<Change> = {}): Change {
  return { revision, expiresAt: 2_000, blobs: new Map(), variables: new Map(), dropped: [], appended: [], ...fields };
}

/** A change that writes variables and carries their bytes. */
export function writes(
  revision: number,
  values: Readonly<Record<string, Uint8Array>>,
  fields: Partial<Change> = {},
  tenant = 'acme',
): Change {
  const rows = Object.entries(values).map(
    ([name, bytes]) => [name, variableRow(name, refOf(bytes, tenant), { version: revision + 1 })] as const,
  );
  return change(revision, { blobs: blobsOf(Object.values(values), tenant), variables: new Map(rows), ...fields });
}

/** A change that appends entries to a log, each with its blobs. */
export function appends(
  revision: number,
  log: string,
  entries: readonly (readonly [string, ...Uint8Array[]])[],
): Change {
  return change(revision, {
    blobs: blobsOf(entries.flatMap(([, ...blobs]) => blobs)),
    appended: entries.map(([json, ...blobs]) => ({ log, entry: { json, blobs: blobs.map((bytes) => refOf(bytes)) } })),
  });
}

export function replyRow(key: string, response: BlobRef, fields: Partial<ReplyRow> = {}): ReplyRow {
  return { tenant: 'acme', key, fingerprint: 'f', response, expiresAt: 2_000, ...fields };
}

export function operationRow(id: string, request: BlobRef, fields: Partial<OperationRow> = {}): OperationRow {
  return {
    tenant: 'acme',
    id,
    method: 'Minimize',
    request,
    state: 'running',
    progress: null,
    response: null,
    error: null,
    createdAt: 1_000,
    expiresAt: 2_000,
    attempts: 1,
    ...fields,
  };
}
