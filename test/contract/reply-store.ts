/** @file Replies to named requests in memory. */
import type { ReplyRow, Store } from '../../services/sessions/store.ts';

/** A store of replies and of nothing else. */
export function replyStore(): Store {
  const rows = new Map<string, ReplyRow>();
  const blobs = new Map<string, Uint8Array>();
  return {
    reply: async (tenant: string, key: string) => rows.get(`${tenant} ${key}`),
    putReply: async (row: ReplyRow, added: ReadonlyMap<string, Uint8Array>) => {
      rows.set(`${row.tenant} ${row.key}`, row);
      for (const [digest, bytes] of added) blobs.set(digest, bytes);
    },
    blob: async (_: string, { digest }: { digest: string }) => blobs.get(digest),
  } as unknown as Store;
}
