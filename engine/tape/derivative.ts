/** @file Derivatives that a tape is asked for: programs from the residuals that were kept to what was asked. */
import type { Engine } from '../engine.ts';
import { digest } from '../program/hash.ts';
import type { Program, Var } from '../program/program.ts';
import type { Executable } from '../runtime/execute.ts';
import {
  batchJacobianAt,
  gradientAt,
  jacobianAt,
  type Mode,
  type Point,
  pull,
  push,
  type Stack,
  stacked,
} from '../transform/compose.ts';
import type { TensorType } from '../types.ts';
import { weightOfProgram } from '../weight.ts';
import { addressOf, type Recorded } from './recording.ts';
import type { Tape } from './tape.ts';

/** What a tape can be asked for. */
export type Ask =
  | { readonly kind: 'gradient' }
  /** Takes cotangents of the targets, `stack` at once along a leading axis. */
  | { readonly kind: 'pullback'; readonly stack: Stack }
  /** Takes tangents of the sources, `stack` at once along a leading axis. */
  | { readonly kind: 'pushforward'; readonly stack: Stack }
  | { readonly kind: 'jacobian'; readonly mode?: Mode | undefined }
  | { readonly kind: 'batch_jacobian' };

/** A derivative of what was recorded. */
export interface Derivative {
  readonly key: string;
  /** Inputs: the residuals, then the tangents or cotangents. Outputs: what was asked for. */
  readonly program: Program;
  /** The addresses of the residuals. */
  readonly residuals: readonly (readonly [number, number])[];
  /** The types of the tangents or cotangents. */
  readonly directions: readonly TensorType[];
  /** Computes it. */
  executable(): Executable;
}

/** The derivative of tensors on a tape; every target and source is a float, and every source is on the tape. */
export function derivativeOf(
  tape: Tape,
  ask: Ask,
  targets: readonly Recorded[],
  sources: readonly (readonly Recorded[])[],
  engine: Engine,
): Derivative {
  const types = [targets, ...sources].map((tensors) => tensors.map(({ type }) => type));
  const addresses = [targets, ...sources].map((tensors) => tensors.map(addressOf));
  const key = digest(['derivative', tape.key, ask, addresses, types]);
  return engine.remember(
    key,
    () => make(key, tape, ask, targets, sources, engine),
    ({ program }) => weightOfProgram(program),
  ).value;
}

function make(
  key: string,
  tape: Tape,
  ask: Ask,
  targets: readonly Recorded[],
  sources: readonly (readonly Recorded[])[],
  engine: Engine,
): Derivative {
  const { at, residuals } = tape.linearized(targets, sources);
  const directions = directionsOf(ask, at);
  const inputs = directions.map((type) => at.b.input(type));
  const outputs = emit(ask, at, inputs);
  const program = at.b.build(outputs);
  return {
    key,
    program,
    residuals: residuals.map(addressOf),
    directions,
    executable: () => engine.executable(key, () => program),
  };
}

function directionsOf(ask: Ask, { targets, sources }: Point): readonly TensorType[] {
  switch (ask.kind) {
    case 'pullback':
      return targets.map((type) => stacked(type, ask.stack));
    case 'pushforward':
      return sources.map((type) => stacked(type, ask.stack));
    case 'gradient':
    case 'jacobian':
    case 'batch_jacobian':
      return [];
    default:
      return ask satisfies never;
  }
}

function emit(ask: Ask, at: Point, directions: readonly Var[]): Var[] {
  switch (ask.kind) {
    case 'gradient':
      return gradientAt(at);
    case 'pullback':
      return pull(at, directions, ask.stack);
    case 'pushforward':
      return push(at, directions, ask.stack);
    case 'jacobian':
      return jacobianAt(at, ask.mode);
    case 'batch_jacobian':
      return batchJacobianAt(at);
    default:
      return ask satisfies never;
  }
}
