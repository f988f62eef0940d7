/** @file What a supervisor and a worker say to each other. */
import { EngineError, type ErrorCode, type Violation, type Where } from '../../engine/errors.ts';
import type { BlobRef, Draft } from '../sessions/store.ts';

/** What a worker is told when it starts, as the arguments of its process. */
export interface Start {
  /** The folder for shared memory. */
  readonly folder: string;
  /** Its name, in the log and in the names of its files. */
  readonly name: string;
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
      /** Under which the log tells of it. */
      readonly labels: object;
      /** Milliseconds until its deadline. */
      readonly left: number;
    }
  /** The next message of the stream at a place is wanted. */
  | { readonly type: 'next'; readonly place: number }
  /** What is computed at a place is not wanted any more. */
  | { readonly type: 'cancel'; readonly place: number; readonly fault: Fault }
  | { readonly type: 'reply'; readonly call: number; readonly value: unknown }
  | { readonly type: 'refuse'; readonly call: number; readonly fault: Fault }
  /** A session is gone. */
  | { readonly type: 'forget'; readonly tenant: string; readonly session: string };

/** From worker to supervisor. */
export type FromWorker =
  | { readonly type: 'ready'; readonly backend: string }
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
    }
  | { readonly type: 'failed'; readonly place: number; readonly fault: Fault; readonly busy: number }
  | { readonly type: 'message'; readonly place: number; readonly message: unknown }
  /** The session that the job at a place holds is free again. */
  | { readonly type: 'release'; readonly place: number }
  | { readonly type: 'ask'; readonly call: number; readonly place: number; readonly question: Question };

/** An error made fit to travel. */
export function toFault(reason: unknown): Fault {
  const { code, message, where, violations, retryAfter } = EngineError.from(reason);
  return { code, message, where, violations, retryAfter };
}

/** The error again. */
export function fromFault({ code, message, where, violations, retryAfter }: Fault): EngineError {
  return new EngineError(code, message, where, violations, retryAfter);
}
