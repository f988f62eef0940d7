/** @file The events that a recording is made of, as its log keeps them: read again in order they give it back. */

import type { Ask } from '../../engine/tape/derivative.ts';
import type { DType, Shape, TensorType } from '../../engine/types.ts';
import type { BlobRef, VariableRow } from './store.ts';

/** A value bound to a recording. */
export interface Bound {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly blob: BlobRef;
}

/** A read of a session's variable: its value under the version that was read. */
export interface VariableRead extends Bound {
  readonly trainable: boolean;
  readonly version: number;
}

type Named<T> = Readonly<Record<string, T>>;

/** A tape is opened; the first of a log is the outermost. */
export interface Opened {
  readonly type: 'opened';
  readonly tape: string;
  readonly outer: string | null;
  readonly persistent: boolean;
  readonly watchesAccessed: boolean;
}

/** Tensors are bound to names, and names are watched by a tape. */
export interface Watched {
  readonly type: 'watched';
  readonly tape: string;
  readonly values: Named<Bound>;
  readonly names: readonly string[];
}

/** A graph was run. */
export interface Ran {
  readonly type: 'ran';
  /** The tape that it was run for. */
  readonly tape: string;
  /** What that tape watches from here on. */
  readonly watch: readonly string[];
  /** The tapes that recorded it. */
  readonly tapes: readonly string[];
  /** The graph as it was sent, JSON. */
  readonly graph: BlobRef;
  readonly values: Named<Bound>;
  readonly variables: Named<VariableRead>;
  /** The outputs whose values were asked for. */
  readonly wanted: readonly string[];
  /** The versions of the variables that it wrote. */
  readonly written: Named<number>;
}

/** A derivative was computed and recorded. */
export interface Derived {
  readonly type: 'derived';
  readonly tape: string;
  readonly ask: Ask;
  readonly targets: readonly string[];
  readonly sources: readonly string[];
  /** Tangents or cotangents. */
  readonly directions: readonly Bound[];
  /** The tapes that recorded it. */
  readonly tapes: readonly string[];
  /** What its results are called. */
  readonly names: readonly string[];
}

/** A tape changes its state. */
export interface Turned {
  readonly type: 'paused' | 'resumed' | 'reset' | 'used' | 'closed';
  readonly tape: string;
}

/** An entry of a recording's log. */
export type TapeEvent = Opened | Watched | Ran | Derived | Turned;

/** The blobs that an event names. */
export function blobsOf(event: TapeEvent): BlobRef[] {
  switch (event.type) {
    case 'watched':
      return Object.values(event.values).map(({ blob }) => blob);
    case 'ran':
      return [
        event.graph,
        ...[...Object.values(event.values), ...Object.values(event.variables)].map(({ blob }) => blob),
      ];
    case 'derived':
      return event.directions.map(({ blob }) => blob);
    case 'opened':
    case 'paused':
    case 'resumed':
    case 'reset':
    case 'used':
    case 'closed':
      return [];
    default:
      return event satisfies never;
  }
}

/** The value of a variable. */
export function boundOf({ dtype, shape, value }: VariableRow): Bound {
  return { dtype: dtype as DType, shape, blob: value };
}

/** The type of a bound value. */
export function typeOf({ dtype, shape }: Bound): TensorType {
  return { dtype, shape };
}
