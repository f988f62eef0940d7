/** @file OpenBLAS: finding and loading the library, single-threaded and with the kernels of this processor. */
import koffi, { type LibraryHandle } from 'koffi';
import { BLAS_FUNCTIONS } from './routines/openblas.ts';

/** What Debian and Fedora, then Homebrew call the library with 32-bit integers. */
const NAMES = [
  'libopenblas.so.0',
  'libopenblas.so',
  'libopenblasp.so.0',
  '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
  '/usr/local/opt/openblas/lib/libopenblas.dylib',
];

/** How OpenBLAS is loaded. */
export interface BlasOptions {
  /** Files to try, before the usual names. */
  readonly paths?: readonly string[];
  /** The kernels to use, such as `SKYLAKEX`, whatever the environment says. */
  readonly coreType?: string;
}

/** The library as loaded. */
export interface Blas {
  readonly path: string;
  /** The kernels it uses, such as `SkylakeX`. */
  readonly core: string;
  /** Where its functions are. */
  readonly symbols: ReadonlyMap<string, bigint>;
  /** The library is unloaded when nobody holds this. */
  readonly library: LibraryHandle;
}

/**
 * Loads OpenBLAS; undefined where there is none. It reads its environment when it is loaded, so this sets
 * `OPENBLAS_NUM_THREADS` to 1 before: threads are the engine's affair.
 *
 * The kernels are those that the environment's `OPENBLAS_CORETYPE` names, or else those that OpenBLAS picks. On a Zen 5
 * with AVX-512, Debian's 0.3.21 picks `Cooperlake` by itself, as fast as `SkylakeX` (240 GFLOP/s in float32 on one
 * core) and as exact; under `OPENBLAS_CORETYPE=Haswell` it reaches 134. A name in the environment stays, since on some
 * processors old builds compute wrong results with their own choice: `coreType` is for those who know better.
 */
export function loadBlas({ paths = [], coreType }: BlasOptions = {}): Blas | undefined {
  setEnvironment('OPENBLAS_NUM_THREADS', '1');
  if (coreType !== undefined) setEnvironment('OPENBLAS_CORETYPE', coreType);
  for (const path of [...paths, ...NAMES]) {
    const found = load(path);
    if (found) return found;
  }
  return undefined;
}

function load(path: string): Blas | undefined {
  try {
    const library = koffi.load(path, { lazy: true });
    const symbols = BLAS_FUNCTIONS.map((name) => [name, koffi.address(library.symbol(name))] as const);
    const core = library.func('const char *openblas_get_corename()') as () => string;
    (library.func('void openblas_set_num_threads(int)') as (threads: number) => void)(1);
    return { path, core: core(), symbols: new Map(symbols), library };
  } catch {
    return undefined;
  }
}

/** Sets a variable of the process as C code sees it. */
function setEnvironment(name: string, value: string): void {
  const setenv = koffi.load(null).func('int setenv(const char*, const char*, int)') as Setenv;
  setenv(name, value, 1);
}

type Setenv = (name: string, value: string, overwrite: number) => number;
