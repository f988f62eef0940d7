/**
 * @file What a backend is: a connector to one way of running kernels. It knows kernels, routines and storage; it knows
 * no op, no program and no client. Storage is whatever the backend makes of it, and never leaves the runtime.
 */
import type { Kernel } from '../compile/plan.ts';
import type { Routine } from '../compile/routine.ts';
import type { Var } from '../program/program.ts';
import type { TensorType, TypedArray } from '../types.ts';

/** The largest relative error that is still right, by dtype; integers and bools are exact. */
export interface Tolerance {
  readonly float32: number;
  readonly float64: number;
}

/** A way of running kernels. `S` is its storage of one tensor, `C` its compiled code. */
export interface Backend<S = unknown, C = unknown> {
  readonly name: string;
  readonly tolerance: Tolerance;
  /** Compiles a kernel; `reads` are the stored variables it loads, in the order `dispatch` gets them. */
  compile(kernel: Kernel, reads: readonly Var[]): C;
  /** Compiles a routine. */
  compileRoutine(routine: Routine): C;
  /** Storage for tensors of these types at these byte offsets of one block of `bytes`; its content is undefined. */
  allocate(bytes: number, tensors: readonly { readonly offset: number; readonly type: TensorType }[]): readonly S[];
  /** Storage holding `data`; it may be `data` itself, which nobody changes. */
  upload(data: TypedArray, type: TensorType): S;
  /** Runs code: reads `inputs`, writes the whole of `outputs`. */
  dispatch(code: C, inputs: readonly S[], outputs: readonly S[]): void;
  /** The part at position `i` along axis 0; `type` is the part's. */
  slice(storage: S, i: number, type: TensorType): S;
  /** Copies the whole of a storage. */
  copy(from: S, to: S): void;
  /** The elements of a storage that nobody writes any more. */
  download(storage: S, type: TensorType): TypedArray | Promise<TypedArray>;
  /** The first element, read at once. */
  peek(storage: S): number;
}
