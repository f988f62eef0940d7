/**
 * @file What a disk may hold after the power went at some point of a recorded run: of each file what was synced, and of
 * what came after it any part; of each folder's names those that were there when it was synced, and some later ones.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** A call as `faults.c` wrote it down. */
export type Call =
  | { readonly kind: 'create' | 'unlink' | 'sync'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly size: number }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  /** What came before it was promised. */
  | { readonly kind: 'promise'; readonly revision: number };

/** The calls of a recorded run, with paths relative to its folder. */
export function readCalls(journal: string, folder: string): readonly Call[] {
  const bytes = readFileSync(journal);
  const calls: Call[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [kind, pathLength, length, offset] = [0, 8, 16, 24].map((field) => Number(bytes.readBigInt64LE(at + field)));
    const pathAt = at + 32;
    const dataAt = pathAt + pathLength!;
    at = dataAt + length!;
    const path = relative(folder, bytes.toString('utf8', pathAt, dataAt));
    const data = bytes.subarray(dataAt, at);
    calls.push(callOf(String.fromCharCode(kind!), path, data, offset!, folder));
  }
  return calls;
}

function callOf(kind: string, path: string, data: Buffer, offset: number, folder: string): Call {
  switch (kind) {
    case 'c':
      return { kind: 'create', path };
    case 'u':
      return { kind: 'unlink', path };
    case 's':
      return { kind: 'sync', path };
    case 'w':
      return { kind: 'write', path, offset, bytes: data };
    case 't':
      return { kind: 'truncate', path, size: offset };
    case 'r':
      return { kind: 'rename', path, to: relative(folder, data.toString()) };
    case 'k':
      return { kind: 'promise', revision: offset };
    default:
      throw new Error(`'${kind}' is no kind of call`);
  }
}

/** How much of what was not synced outlives the loss. */
export type Luck = 'none' | 'all' | 'some';

type Edit = Extract<Call, { readonly kind: 'write' | 'truncate' }>;
type Naming = (names: Map<string, File>) => void;

interface File {
  /** What was synced, then what was not. */
  readonly synced: Edit[];
  unsynced: Edit[];
}

interface Folder {
  readonly synced: Naming[];
  unsynced: Naming[];
}

/** A disk on which a recorded run happens call by call. */
export class Disk {
  readonly #names = new Map<string, File>();
  readonly #folders = new Map<string, Folder>();

  apply(call: Call): void {
    switch (call.kind) {
      case 'create': {
        const file: File = { synced: [], unsynced: [] };
        this.#rename(call.path, (names) => names.set(call.path, file));
        break;
      }
      case 'unlink':
        this.#rename(call.path, (names) => names.delete(call.path));
        break;
      case 'rename': {
        const file = this.#names.get(call.path)!;
        this.#rename(call.path, (names) => names.set(call.to, file).delete(call.path));
        break;
      }
      case 'write':
      case 'truncate':
        this.#names.get(call.path)!.unsynced.push(call);
        break;
      case 'sync': {
        const synced = this.#names.get(call.path) ?? this.#folder(call.path);
        (synced.synced as unknown[]).push(...synced.unsynced);
        synced.unsynced = [];
        break;
      }
      case 'promise':
        break;
      default:
        call satisfies never;
    }
  }

  /** Writes into a folder what the power's loss may have left; `random` is in [0, 1). */
  leave(folder: string, luck: Luck, random: () => number): void {
    const keeps = (): boolean => luck === 'all' || (luck === 'some' && random() < 0.5);
    const names = new Map<string, File>();
    for (const { synced, unsynced } of this.#folders.values()) {
      // Names change in order: a file system's journal ends somewhere, and has no holes.
      const length = luck === 'some' ? Math.floor(random() * (unsynced.length + 1)) : luck === 'all' ? Infinity : 0;
      for (const naming of [...synced, ...unsynced.slice(0, length)]) naming(names);
    }
    mkdirSync(join(folder, 'blobs'), { recursive: true });
    for (const [name, { synced, unsynced }] of names) {
      const kept = unsynced.filter(keeps);
      const cut = luck === 'some' ? kept.map((edit) => torn(edit, random)) : kept;
      writeFileSync(join(folder, name), contentOf([...synced, ...cut]));
    }
  }

  #rename(path: string, naming: Naming): void {
    naming(this.#names);
    this.#folder(dirname(path)).unsynced.push(naming);
  }

  #folder(path: string): Folder {
    const known = this.#folders.get(path === '' ? '.' : path);
    if (known !== undefined) return known;
    const folder: Folder = { synced: [], unsynced: [] };
    this.#folders.set(path === '' ? '.' : path, folder);
    return folder;
  }
}

const SECTOR = 512;

/** One write in four is cut at a sector. */
function torn(edit: Edit, random: () => number): Edit {
  if (edit.kind === 'truncate' || random() < 0.75) return edit;
  const sectors = Math.floor((random() * edit.bytes.length) / SECTOR);
  return { ...edit, bytes: edit.bytes.subarray(0, sectors * SECTOR) };
}

function contentOf(edits: readonly Edit[]): Uint8Array {
  const ends = edits.map((edit) => (edit.kind === 'write' ? edit.offset + edit.bytes.length : edit.size));
  const content = Buffer.alloc(Math.max(0, ...ends));
  let size = 0;
  for (const [i, edit] of edits.entries()) {
    if (edit.kind === 'write') edit.bytes.copy(content, edit.offset);
    else content.fill(0, edit.size);
    size = edit.kind === 'write' ? Math.max(size, ends[i]!) : edit.size;
  }
  return content.subarray(0, size);
}
