/**
 * @file Compiled modules: each text is compiled once, linked once while anything uses it, and kept as an object file
 * across processes where a folder is given for that.
 */
import { createHash, hash, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { look } from '../../interrupt.ts';
import type { CompilingTeam, Linked, Llvm } from './llvm.ts';
import { partition } from './partition.ts';
import { ENTRY } from './plan.ts';

/** A linked module; it stays linked while somebody holds this object. */
export interface Code {
  /** The address of the module's entry. */
  readonly entry: bigint;
}

interface LinkedModule {
  readonly linked: Linked;
  readonly code: WeakRef<Code>;
}

/** Threads that compile parts of a module at the same time. */
export interface Team {
  readonly compile: CompilingTeam;
  readonly size: number;
}

/** Compiles modules and remembers them. */
export class CodeStore {
  readonly #llvm: Llvm;
  readonly #symbols: ReadonlyMap<string, bigint>;
  readonly #folder: string | undefined;
  readonly #team: Team | undefined;
  /** Bytes written since the folder was within bounds. */
  #written = 0;
  readonly #modules = new Map<string, LinkedModule>();
  readonly #gone = new FinalizationRegistry<string>((key) => {
    const module = this.#modules.get(key);
    // It may have been asked for again since.
    if (!module || module.code.deref()) return;
    this.#modules.delete(key);
    module.linked.release();
  });

  /** `symbols` are what modules may call beside the libraries of the process; `folder` is where object files are kept. */
  constructor(llvm: Llvm, symbols: ReadonlyMap<string, bigint>, folder: string | undefined, team?: Team) {
    this.#llvm = llvm;
    this.#symbols = symbols;
    this.#folder = folder;
    this.#team = team;
    if (folder !== undefined) void prune(folder);
  }

  /** The code of a module's text. */
  get(ir: string): Code {
    const key = this.#keyOf(ir);
    return this.#known(key) ?? this.#link(key, this.#read(key) ?? this.#compile(key, ir));
  }

  /** The same, compiled on another thread where it is not there yet. */
  async getAside(ir: string): Promise<Code> {
    const key = this.#keyOf(ir);
    const known = this.#known(key);
    if (known) return known;
    const kept = this.#read(key);
    const objects = kept ?? (await this.#llvm.compileAside(this.#parts(key, ir), isLarge(ir)));
    if (!kept) this.#write(key, objects);
    return this.#known(key) ?? this.#link(key, objects);
  }

  #keyOf(ir: string): string {
    const digest = createHash('sha256').update(this.#llvm.identity).update('\0');
    for (let at = 0; at < ir.length; at += PIECE) {
      look();
      digest.update(ir.slice(at, at + PIECE));
    }
    return digest.digest('hex').slice(0, 40);
  }

  #compile(key: string, ir: string): readonly Uint8Array[] {
    const parts = this.#parts(key, ir);
    const size = this.#team?.size ?? 1;
    const objects: Uint8Array[] = [];
    // One part for each of the team at a time, and a look at the checkpoint in between.
    for (let at = 0; at < parts.length; at += size) {
      look();
      objects.push(...this.#llvm.compile(parts.slice(at, at + size), isLarge(ir), this.#team?.compile));
    }
    this.#write(key, objects);
    return objects;
  }

  #parts(key: string, ir: string): string[] {
    return partition(ir, this.#team?.size ?? 1, `p${key}.`).map((part) => named(part, key));
  }

  #known(key: string): Code | undefined {
    const module = this.#modules.get(key);
    return module && (module.code.deref() ?? this.#hold(key, module.linked));
  }

  #link(key: string, objects: readonly Uint8Array[]): Code {
    return this.#hold(key, this.#llvm.link(objects, this.#symbols));
  }

  #hold(key: string, linked: Linked): Code {
    const code: Code = { entry: linked.address(entryName(key)) };
    this.#modules.set(key, { linked, code: new WeakRef(code) });
    this.#gone.register(code, key);
    return code;
  }

  /** Object files that are as they were written: the first 32 bytes are the digest of the rest. */
  #read(key: string): readonly Uint8Array[] | undefined {
    if (this.#folder === undefined) return undefined;
    try {
      const bytes = readFileSync(join(this.#folder, key));
      const rest = bytes.subarray(DIGEST_BYTES);
      return digestOf(rest).equals(bytes.subarray(0, DIGEST_BYTES)) ? unpacked(rest) : undefined;
    } catch {
      return undefined;
    }
  }

  #write(key: string, objects: readonly Uint8Array[]): void {
    if (this.#folder === undefined) return;
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      // Written aside and renamed, so that no reader finds half a file.
      const aside = join(this.#folder, `.${key}.${randomUUID()}`);
      const rest = packed(objects);
      writeFileSync(aside, Buffer.concat([digestOf(rest), rest]), { mode: 0o600 });
      renameSync(aside, join(this.#folder, key));
      this.#written += onDisk(rest.length);
      if (this.#written < FOLDER_BYTES / 8) return;
      this.#written = 0;
      void prune(this.#folder);
    } catch {
      // A cache that cannot be written is no cache; the code is there all the same.
    }
  }
}

/** Characters of text that are hashed at once. */
const PIECE = 2 ** 22;
/** Characters of text from which code is made quickly rather than well. */
const LARGE_MODULE = 2 ** 22;

function isLarge(ir: string): boolean {
  return ir.length > LARGE_MODULE;
}

/** Bytes that a folder of compiled code may have when it is opened; each process may write an eighth more by then. */
const FOLDER_BYTES = 2 ** 29;
/** Bytes of a block of a disk: no file takes less. */
const BLOCK = 4096;

function onDisk(bytes: number): number {
  return Math.ceil(bytes / BLOCK) * BLOCK;
}

/** Removes the oldest files of a folder until the rest are within bounds. */
async function prune(folder: string): Promise<void> {
  try {
    const files: { readonly path: string; readonly bytes: number; readonly time: number }[] = [];
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      // Another process may be at the same.
      const found = await stat(path).catch(() => undefined);
      if (found) files.push({ path, bytes: onDisk(found.size), time: found.mtimeMs });
    }
    let bytes = 0;
    for (const file of files.sort((a, b) => b.time - a.time)) {
      bytes += file.bytes;
      if (bytes > FOLDER_BYTES) await rm(file.path, { force: true });
    }
  } catch {
    // No folder yet, or one of somebody else's.
  }
}

const DIGEST_BYTES = 32;

function digestOf(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

/** Each object file after its length in four bytes. */
function packed(objects: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    objects.flatMap((object) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(object.length);
      return [length, object];
    }),
  );
}

function unpacked(bytes: Buffer): Uint8Array[] {
  const objects: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at + 4;
    at = start + bytes.readUInt32LE(at);
    objects.push(bytes.subarray(start, at));
  }
  return objects;
}

function entryName(key: string): string {
  return `adjoint_${key}`;
}

/** The text with an entry that no other module has, as a whole or as a part. */
function named(ir: string, key: string): string {
  return ir.replaceAll(`@${ENTRY}(`, `@${entryName(key)}(`).replaceAll(`@p${key}.${ENTRY}(`, `@${entryName(key)}(`);
}
