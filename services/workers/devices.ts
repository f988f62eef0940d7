/** @file What computes, as clients are told. */
import { cpus } from 'node:os';
import { DTYPES } from '../../engine/types.ts';

/** A device, and the processes that compute on it. */
export interface Device {
  readonly device: 'cpu' | 'gpu';
  /** The processor's or the adapter's. */
  readonly name: string;
  readonly backend: string;
  /** Through what it computes. */
  readonly api: 'llvm' | 'javascript' | 'webgpu' | 'webgl';
  /** Whether an adapter is emulated by the processor. */
  readonly software: boolean;
  readonly dtypes: readonly string[];
  readonly workers: number;
  readonly ready: number;
  readonly restarts: number;
}

/** This machine's processor, computing with a backend of that name. */
export function processor(backend: string, counts: Pick<Device, 'workers' | 'ready' | 'restarts'>): Device {
  return {
    device: 'cpu',
    name: cpus()[0]?.model.trim() || process.arch,
    backend,
    api: backend === 'native' ? 'llvm' : 'javascript',
    software: false,
    dtypes: DTYPES,
    ...counts,
  };
}
