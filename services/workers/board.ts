/**
 * @file A few bytes that a supervisor and a worker both see, though the one be dead or the other busy: which job runs,
 * and which jobs are not wanted any more. A worker that computes reads no messages.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Jobs that one worker may have at a time, each at a place of its own. */
export const PLACES = 64;

/** Where the place of the running job is, one more than it; 0 for none. The flags of the places come after it. */
const RUNNING = 0;
const FLAGS = 1;

/** The board of one worker; both sides have it by a descriptor of the same file. */
export class Board {
  readonly fd: number;
  readonly #byte = new Uint8Array(1);

  constructor(fd: number) {
    this.fd = fd;
  }

  /** A new board in a folder; only its descriptors lead to it. */
  static create(folder: string, name: string): Board {
    const path = join(folder, name);
    const fd = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    writeSync(fd, new Uint8Array(FLAGS + PLACES));
    return new Board(fd);
  }

  /** Says that the job at a place runs now, or none. */
  run(place: number | undefined): void {
    this.#write(RUNNING, place === undefined ? 0 : place + 1);
  }

  /** The place of the job that runs, or ran when the worker ended. */
  get running(): number | undefined {
    const value = this.#read(RUNNING);
    return value === 0 ? undefined : value - 1;
  }

  /** Says whether the job at a place is not wanted any more. */
  flag(place: number, isUnwanted: boolean): void {
    this.#write(FLAGS + place, isUnwanted ? 1 : 0);
  }

  /** Whether the job at a place is not wanted any more. */
  isFlagged(place: number): boolean {
    return this.#read(FLAGS + place) === 1;
  }

  close(): void {
    closeSync(this.fd);
  }

  #write(at: number, value: number): void {
    this.#byte[0] = value;
    writeSync(this.fd, this.#byte, 0, 1, at);
  }

  #read(at: number): number {
    readSync(this.fd, this.#byte, 0, 1, at);
    return this.#byte[0] as number;
  }
}
