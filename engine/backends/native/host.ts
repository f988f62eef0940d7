/** @file What this machine is, as far as generated code depends on it. */
import { readFileSync } from 'node:fs';
import { availableParallelism, platform } from 'node:os';
import type { Llvm } from './llvm.ts';
import type { Target } from './target.ts';

/** The target that code is generated for here, and how many threads can run at once. */
export function hostTarget({ architecture, features }: Llvm): { readonly target: Target; readonly processors: number } {
  const isX86 = architecture === 'x86_64';
  const wide =
    features.has('avx512f') && features.has('avx512bw') && features.has('avx512dq') && features.has('avx512vl');
  return {
    processors: availableParallelism(),
    target: {
      vectorBits: wide ? 512 : features.has('avx2') ? 256 : 128,
      registers: wide || !isX86 ? 32 : 16,
      fma: !isX86 || features.has('fma'),
      masks: wide,
      threads: true,
      blas: false,
      clock: platform() === 'darwin' ? 6 : 1,
      caches: [cacheBytes(0) ?? 32 * 1024, cacheBytes(2) ?? 512 * 1024],
    },
  };
}

/** The size of one of the first processor's caches: 0 is its first for data, 2 its second level on Linux. */
function cacheBytes(index: number): number | undefined {
  try {
    const text = readFileSync(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`, 'utf8');
    const [, size, unit] = /^(\d+)([KM]?)/.exec(text) ?? [];
    return Number(size) * (unit === 'M' ? 2 ** 20 : unit === 'K' ? 1024 : 1);
  } catch {
    return undefined;
  }
}
