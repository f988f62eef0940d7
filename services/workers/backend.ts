/** @file What computes in a process, by the configuration. */
import type { Logger } from 'pino';
import type { Backend } from '../../engine/backends/backend.ts';
import { openFastest } from '../../engine/backends/index.ts';
import { openNative } from '../../engine/backends/native/native.ts';
import { portable } from '../../engine/backends/portable.ts';
import { type Config, ConfigError } from '../config.ts';

/**
 * The backend that a configuration asks for. Where there is no native code it throws how to get it, or says so when
 * JavaScript will do and `tells`.
 */
export function openBackend({ backend, native }: Config, log: Logger, tells = true): Backend {
  if (backend === 'portable') return portable;
  const goOn = (err: unknown): void => log.error({ err }, 'native code could not be made: going on in JavaScript');
  const opened = backend === 'native' ? openNative(native) : openFastest(native, goOn);
  if (opened) return opened;
  const where =
    native.llvm === undefined ? 'no libLLVM (version 15 to 22) is installed' : `${native.llvm} is no libLLVM`;
  const how =
    'apt-get install libllvm19 (Debian, Ubuntu), dnf install llvm-libs (Fedora) or brew install llvm brings one';
  if (backend === 'native') throw new ConfigError([`ADJOINT_BACKEND is native, but ${where}; ${how}.`]);
  if (tells) log.warn(`${where}: computing in JavaScript, many times slower; ${how}`);
  return portable;
}
