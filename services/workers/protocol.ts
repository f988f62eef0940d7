/** @file What a supervisor and a worker say to each other. */
import type { GpuRates } from '../../engine/backends/gpu/cost.ts';
import { EngineError, type ErrorCode, type Violation, type Where } from '../../engine/errors.ts';
import type { Device } from '../api/compute.ts';
import type { Computing } from '../api/method.ts';
import type { Update } from '../sessions/home.ts';
import type { BlobRef, Draft } from '../sessions/store.ts';

/** A gpu as replies tell it. */
export type Adapter = NonNullable<Computing['adapter']>;

/** What a worker is told when it starts, as the arguments of its process. */
export interface Start {
  /** The folder for shared memory. */
  readonly folder: string;
  /** Its name, in the log and in the names of its files. */
  readonly name: string;
  readonly device: 'cpu' | 'gpu';
  /** The process that starts it. */
  readonly parent: number;
  /** Whether it is the one that says what the configuration means for all. */
  readonly isFirst: boolean;
}

/** The descriptors that a worker has beside the standard ones. */
export const DESCRIPTORS = { channel: 3, board: 4 } as const;

/** An error as it travels. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly where: Where;
  readonly violations: readonly Violation[];
  readonly retryAfter: number | undefined;
}

/** What a worker may ask of where sessions are at home, for the job at a place. */
export type Question =
  | { readonly name: 'since'; readonly session: string; readonly revision: number | undefined }
  | { readonly name: 'hold'; readonly session: string; readonly revision: number | undefined }
  | { readonly name: 'commit'; readonly draft: Draft; readonly response: unknown }
  | {
      readonly name: 'entries';
      readonly session: string;
      readonly log: string;
      readonly from: number;
      readonly revision: number;
    }
  | { readonly name: 'blob'; readonly blob: BlobRef };

/** From supervisor to worker. */
export type ToWorker =
  | {
      readonly type: 'run';
      readonly place: number;
      readonly method: string;
      readonly request: unknown;
      readonly tenant: string;
      readonly device: Device;
      /** Whether it is to be done here, whatever another device would take. */
      readonly isSettled: boolean;
      /** Under which the log tells of it. */
      readonly labels: object;
      /** What has changed in the session that is held for it. */
      readonly update: Update | undefined;
      /** Milliseconds until its deadline. */
      readonly left: number;
    }
  /** The next message of the stream at a place is wanted. */
  | { readonly type: 'next'; readonly place: number }
  /** What is computed at a place is not wanted any more. */
  | { readonly type: 'cancel'; readonly place: number; readonly fault: Fault }
  | { readonly type: 'reply'; readonly call: number; readonly value: unknown }
  | { readonly type: 'refuse'; readonly call: number; readonly fault: Fault }
  /** How fast the gpu is that others compute on; `undefined` when there is none any more. */
  | { readonly type: 'rates'; readonly rates: GpuRates | undefined }
  /** A session is gone. */
  | { readonly type: 'forget'; readonly tenant: string; readonly session: string };

/** From worker to supervisor. */
export type FromWorker =
  | {
      readonly type: 'ready';
      readonly backend: string;
      /** The gpu that it computes on, and how fast that is. */
      readonly gpu: { readonly adapter: Adapter; readonly rates: GpuRates } | undefined;
    }
  /** The configuration asks for what it cannot do. */
  | { readonly type: 'unfit'; readonly why: string }
  | {
      readonly type: 'answered';
      readonly place: number;
      /** The response, unless it was committed with the job's work. */
      readonly response: unknown;
      readonly isCommitted: boolean;
      /** Milliseconds that the job held the worker. */
      readonly busy: number;
      /** Whether jobs like it are run together when they are there at once, if that is known. */
      readonly isStackable: boolean | undefined;
    }
  | { readonly type: 'failed'; readonly place: number; readonly fault: Fault; readonly busy: number }
  /** The job at a place is for another device. */
  | { readonly type: 'moved'; readonly place: number; readonly device: 'cpu' | 'gpu'; readonly busy: number }
  /** The gpu has failed, and with it this process. */
  | { readonly type: 'broken'; readonly why: string }
  | { readonly type: 'message'; readonly place: number; readonly message: unknown }
  /** The session that the job at a place holds is free again. */
  | { readonly type: 'release'; readonly place: number }
  | { readonly type: 'ask'; readonly call: number; readonly place: number; readonly question: Question };

/** What a worker says of a job. */
export type JobMessage = Extract<FromWorker, { readonly place: number }>;

/** An error made fit to travel. */
export function toFault(reason: unknown): Fault {
  const { code, message, where, violations, retryAfter } = EngineError.from(reason);
  return { code, message, where, violations, retryAfter };
}

/** The error again. */
export function fromFault({ code, message, where, violations, retryAfter }: Fault): EngineError {
  return new EngineError(code, message, where, violations, retryAfter);
}
