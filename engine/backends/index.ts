/** @file The backends, and which of them a machine gets. */
import type { Backend } from './backend.ts';
import { type NativeOptions, openNative } from './native/native.ts';
import { portable } from './portable.ts';

let opened: Backend | undefined;

/**
 * The fastest backend that works here: native, or portable where there is no libLLVM. The first call decides for the
 * process; `options` of later ones are not looked at.
 */
export function hostBackend(options: NativeOptions = {}): Backend {
  opened ??= openNative(options) ?? portable;
  return opened;
}
