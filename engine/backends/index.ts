/** @file The backends, and which of them a machine gets. */
import type { Backend } from './backend.ts';
import { type NativeOptions, openNative } from './native/native.ts';
import { portable } from './portable.ts';
import { type Report, tiered } from './tiered.ts';

/** Native code, begun in JavaScript where that is quicker; `undefined` where there is no libLLVM. */
export function openFastest(options: NativeOptions = {}, report: Report = unexpected): Backend | undefined {
  const native = openNative(options);
  return native && tiered(portable, native, report);
}

/** Code that cannot be compiled is a fault of ours. */
function unexpected(reason: unknown): never {
  throw reason;
}

let opened: Backend | undefined;

/** The fastest backend that works here, opened once for the process. */
export function hostBackend(): Backend {
  opened ??= openFastest() ?? portable;
  return opened;
}
