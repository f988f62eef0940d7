/** @file Shared libraries that stay in the process until it ends. */
import { platform } from 'node:os';
import koffi, { type LibraryHandle } from 'koffi';

/** The flags of `dlopen`, by platform. */
const { now, global, lasting } =
  platform() === 'darwin' ? { now: 0x2, global: 0x8, lasting: 0x80 } : { now: 0x2, global: 0x100, lasting: 0x1000 };

const dlopen = koffi.load(null).func('void* dlopen(const char* path, int flags)');

/** Opens a library, `isCalled` by generated code or not; `undefined` when none of this name fits the process. */
export function openLibrary(path: string, isCalled = false): LibraryHandle | undefined {
  // Closing a library takes its code away from under its own sleeping threads, and from under ours.
  return dlopen(path, now | lasting | (isCalled ? global : 0)) ? koffi.load(path) : undefined;
}
