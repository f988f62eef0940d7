/** @file Blobs as files: one folder, each under its digest, whole and on the disk before a row names it. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import { join } from 'node:path';

/** What is asked of the file system; a test can have any of it fail. */
export interface Files {
  open(path: string, flags: 'r' | 'wx', mode?: number): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  readdir(path: string): Promise<string[]>;
}

/** An open file or folder. */
export interface OpenFile {
  readFile(): Promise<Uint8Array>;
  writeFile(bytes: Uint8Array): Promise<void>;
  /** Resolves when what was written, or a folder's names, would outlive a loss of power. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The machine's own file system. */
export const NODE_FILES: Files = fs;

/** The folder of blobs. It knows which files the commits of this process count on, so that none of them is removed. */
export class BlobFiles {
  readonly #folder: string;
  readonly #files: Files;
  /** How many commits in flight write each digest. */
  readonly #held = new Map<string, number>();
  /** Temporary files being written. */
  readonly #temporary = new Set<string>();
  /** Files being removed: who would write one anew waits, or the removal could come after the writing. */
  readonly #leaving = new Map<string, Promise<void>>();

  constructor(folder: string, files: Files) {
    this.#folder = folder;
    this.#files = files;
  }

  /** Keeps `clean` from the files of these digests until `release`. */
  hold(digests: Iterable<string>): void {
    for (const digest of digests) this.#held.set(digest, (this.#held.get(digest) ?? 0) + 1);
  }

  release(digests: Iterable<string>): void {
    for (const digest of digests) {
      const left = (this.#held.get(digest) ?? 0) - 1;
      if (left > 0) this.#held.set(digest, left);
      else this.#held.delete(digest);
    }
  }

  isHeld(digest: string): boolean {
    return this.#held.has(digest);
  }

  /** Writes a file whole or not at all; durable after `sync`. */
  async write(digest: string, bytes: Uint8Array): Promise<void> {
    if (!isDigest(digest)) throw new Error(`'${digest}' is no digest, so it names no file`);
    await this.#leaving.get(digest);
    const temporary = `${digest}.${randomUUID()}.tmp`;
    this.#temporary.add(temporary);
    try {
      await this.#fill(temporary, bytes);
      await this.#files.rename(this.#path(temporary), this.#path(digest));
    } catch (error) {
      // What cannot be removed either goes at the next sweep.
      await this.#files.unlink(this.#path(temporary)).catch(() => {});
      throw error;
    } finally {
      this.#temporary.delete(temporary);
    }
  }

  /** Makes the names of the files durable. */
  async sync(): Promise<void> {
    const folder = await this.#files.open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async read(digest: string): Promise<Uint8Array> {
    const file = await this.#files.open(this.#path(digest), 'r');
    try {
      // Plain bytes, as from a row, not a Buffer.
      const { buffer, byteOffset, length } = await file.readFile();
      return new Uint8Array(buffer, byteOffset, length);
    } finally {
      await file.close();
    }
  }

  /** Removes files that nothing names and nobody is about to name. */
  async clean(isNamed: (digest: string) => boolean): Promise<void> {
    for (const name of await this.#files.readdir(this.#folder)) {
      const isStale = isDigest(name)
        ? !this.isHeld(name) && !isNamed(name)
        : name.endsWith('.tmp') && !this.#temporary.has(name);
      if (isStale) await this.#remove(name);
    }
  }

  /** Writes and removes a file, to see whether that can be done. */
  async probe(): Promise<void> {
    const temporary = `${randomUUID()}.tmp`;
    this.#temporary.add(temporary);
    try {
      await this.#fill(temporary, new Uint8Array(4096));
      await this.#files.unlink(this.#path(temporary));
    } finally {
      this.#temporary.delete(temporary);
    }
  }

  async #fill(name: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#files.open(this.#path(name), 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #remove(name: string): Promise<void> {
    const removal = this.#files.unlink(this.#path(name)).catch((error: NodeJS.ErrnoException) => {
      // A temporary file may have got its name since the folder was read.
      if (error.code !== 'ENOENT') throw error;
    });
    this.#leaving.set(
      name,
      removal.catch(() => {}),
    );
    await removal.finally(() => this.#leaving.delete(name));
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

function isDigest(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}
