/** @file What computes, as clients are told. */
import { cpus } from 'node:os';
import { EngineError } from '../../engine/errors.ts';
import { DTYPES } from '../../engine/types.ts';
import type { Device as Asked } from '../api/compute.ts';
import type { Adapter } from './protocol.ts';

/** A device, and the processes that compute on it. */
export interface Device {
  readonly device: 'cpu' | 'gpu';
  /** The processor's or the adapter's. */
  readonly name: string;
  readonly backend: string;
  /** Through what it computes. */
  readonly api: string;
  /** Whether an adapter is emulated by the processor. */
  readonly software: boolean;
  readonly dtypes: readonly string[];
  readonly workers: number;
  readonly ready: number;
  readonly restarts: number;
}

/** A gpu. */
export function graphics(adapter: Adapter, counts: Pick<Device, 'workers' | 'ready' | 'restarts'>): Device {
  return { device: 'gpu', ...adapter, backend: 'gpu', dtypes: ['float32', 'int32', 'bool'], ...counts };
}

/** The device that a request asks for. */
export function deviceOf(request: unknown): Asked {
  return (request as { readonly options?: { readonly device?: Asked } }).options?.device ?? 'auto';
}

/** Why nothing can be computed on a gpu, to who asks for one. */
export function noGpu(why: string): EngineError {
  return new EngineError('device_unfit', `${why}; use device 'auto' or 'cpu'`, { pointer: '/options/device' });
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
