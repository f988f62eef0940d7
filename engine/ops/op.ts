/**
 * @file What an op is. All that the system knows of an op is in its one object: the type rule, the derivative rules,
 * the batch rule, the identities, the lowering, the words and the worked cases. No pass ever asks an op's name; it asks
 * the object.
 */
import type { z } from 'zod';
import type { Expr, Exprs } from '../compile/expr.ts';
import type { Index } from '../compile/index-space.ts';
import type { Routine } from '../compile/routine.ts';
import type { Builder } from '../program/builder.ts';
import type { Eqn, Params, Program, Var } from '../program/program.ts';
import { type DType, isFloat, type Shape, type TensorType, type TypedArray } from '../types.ts';

/** Why a derivative with respect to an input does not exist, where it is the op's doing. */
export type Barrier = 'integer_dtype' | 'stop_gradient' | 'through_state' | 'no_gradient_defined';

/** The inputs or outputs of an equation; typed as if always four, so that rules can take them apart. */
export type Vars = readonly [Var, Var, Var, Var, ...Var[]];

/** An equation as a rule sees it: `x` its inputs, `y` its outputs, both in the program being built. */
export interface Site<P> {
  readonly x: Vars;
  readonly y: Vars;
  readonly params: P;
}

/** The tangent of the single output that the tangent `dx` of one input causes. */
export type TangentRule<P> = (b: Builder, dx: Var, site: Site<P>) => Var;

/** Outputs and their tangents at once, for ops whose derivative is not a sum over inputs; `null` is a zero tangent. */
export type JvpRule<P> = (
  b: Builder,
  site: { readonly x: Vars; readonly params: P; readonly outputs: readonly TensorType[] },
  dx: readonly (Var | null)[],
) => { readonly y: readonly Var[]; readonly dy: readonly (Var | null)[] };

/**
 * The derivative of an op: one rule (or the reason why there is none) per input, the last repeating for variadic ops;
 * or `linear`, when the tangent is the op applied to the tangents of the inputs that `transpose` has rules for; or one
 * rule for all.
 */
export type Derivative<P> = readonly (TangentRule<P> | Barrier)[] | 'linear' | JvpRule<P>;

/**
 * The cotangent of one linear input from the cotangent `ct` of the single output. Linear inputs have no value: of
 * `site.x[i]` only the type may be read when `i` is linear.
 */
export type CotangentRule<P> = (b: Builder, ct: Var, site: Site<P>) => Var;

/** The cotangents of all inputs at once; `null` is zero. `linear[i]` says which inputs want one. */
export type TransposeRule<P> = (
  b: Builder,
  ct: readonly (Var | null)[],
  site: Site<P>,
  linear: readonly boolean[],
) => readonly (Var | null)[];

/** One cotangent rule per input, `null` where the op is not linear in it, the last repeating; or one rule for all. */
export type Transpose<P> = readonly (CotangentRule<P> | null)[] | TransposeRule<P>;

/** The op on batches: a batched variable has the batch as axis 0. */
export type BatchRule<P> = (
  b: Builder,
  site: { readonly x: Vars; readonly params: P },
  batched: readonly boolean[],
  size: number,
) => { readonly y: readonly Var[]; readonly batched: readonly boolean[] };

/** Reads the element of input `i` at an index of that input's shape. */
export type Read = (i: number, at: Index) => Expr;

/** What a lowering knows of its equation: types and params, never values. */
export interface Form<P> {
  readonly x: readonly TensorType[];
  readonly y: readonly TensorType[];
  readonly params: P;
}

/** An associative combination of one or more accumulators, with its neutral element. */
export interface Monoid {
  readonly identity: readonly Expr[];
  combine(a: readonly Expr[], b: readonly Expr[]): readonly Expr[];
}

/** A fold over an index space that follows the output's own. */
export interface Reduction {
  /** The sizes of the space folded over. */
  readonly over: Shape;
  readonly monoid: Monoid;
  /** What is folded in at the index `r` of the space folded over, one expression an accumulator. */
  element(r: Index): readonly Expr[];
  /** The output element from the accumulators. */
  finish(accumulators: readonly Expr[]): Expr;
}

/** How an op is computed. */
export type Lowering<P> =
  /** Output element `at` as a scalar expression over the inputs' elements. */
  | { readonly kind: 'map'; element(e: Exprs, read: Read, at: Index, form: Form<P>): Expr }
  /** Output element `at` as a fold; `routine` does the same faster where it pays. */
  | {
      readonly kind: 'reduce';
      reduction(e: Exprs, read: Read, at: Index, form: Form<P>): Reduction;
      readonly routine?: (form: Form<P>) => Routine;
    }
  /** A whole-op kernel that is no expression. */
  | { readonly kind: 'routine'; routine(form: Form<P>): Routine }
  /** Not computed: the elements are in the params. */
  | { readonly kind: 'constant'; data(params: P): TypedArray }
  /** Runs one of several programs, by the value of input 0 (clamped); the other inputs are the programs' inputs. */
  | { readonly kind: 'branch'; programs(params: P): readonly Program[] }
  /**
   * Runs `body` a fixed number of times: its inputs are the `constants` first inputs, then the carried values, then
   * this step's slice along axis 0 of the rest; its outputs are the carried values and this step's slice of the rest.
   */
  | {
      readonly kind: 'loop';
      loop(params: P): {
        readonly body: Program;
        readonly constants: number;
        readonly carried: number;
        readonly trips: number;
        readonly reverse: boolean;
      };
    }
  /** Never computed: a transform always replaces it. The text says to the client what to do instead. */
  | { readonly kind: 'none'; readonly detail: string };

/** What an input takes, and what the document checker may do to fit it. */
export interface Operand {
  readonly name: string;
  /**
   * `float`: integers are cast to float64 as in NumPy. `number`: bool is cast to int32. `bool`, `integer`: exactly
   * that. `any`: anything.
   */
  readonly kind: 'float' | 'number' | 'bool' | 'integer' | 'any';
  /** Takes part in the op's common dtype. */
  readonly promoted: boolean;
}

/** A worked case: numbers from an oracle outside this project, named in `source`. */
export interface Case {
  readonly inputs: readonly CaseTensor[];
  readonly params?: Readonly<Record<string, unknown>>;
  readonly outputs: readonly CaseTensor[];
  /** Where the outputs come from: `numpy`, `jax`, `mpmath`, `tensorflow`, or the definition itself. */
  readonly source: string;
}

/** A tensor of a worked case: type as printed, elements row-major. */
export interface CaseTensor {
  readonly type: string;
  readonly data: readonly (number | boolean)[];
}

/** Random inputs inside the op's domain, for the laws. */
export interface Sample {
  /** The inputs' types as printed. */
  readonly types: readonly string[];
  readonly params?: Readonly<Record<string, unknown>>;
  /** For each float input, the open interval to draw from where the op is smooth; default (-2, 2). */
  readonly domain?: readonly (readonly [number, number])[];
}

/** What an op may ask of the document it stands in. */
export interface DocumentScope {
  /** The node's name. */
  readonly node: string;
  /** How many inputs the node has. */
  readonly arity: number;
  /** The dtype of floats that nothing else gives a dtype to. */
  readonly floatDtype: 'float32' | 'float64';
  /**
   * The sub-graph in a param, checked on inputs of these types. What it reads from outside itself comes first among its
   * inputs: `captures` says what that is here.
   */
  subgraph(
    param: string,
    types: readonly TensorType[],
  ): { readonly program: Program; readonly captures: readonly Var[] };
  /** Another entry of the catalogue applied with its default params. */
  apply(op: string, x: readonly Var[]): Var;
  /** A variable that belongs to the node; `initial` makes its elements when the client sends none. */
  variable(name: string, type: TensorType, initial: () => TypedArray): Var;
}

/** How documents write an op, where that is kinder than its equation: negative axes, keepdims, defaults. */
export interface Surface<W = any> {
  /** The params as a document may write them. */
  readonly params: z.ZodType<W>;
  /** Params that a text graph may give by position after the inputs: `reshape(x, (2, 3))`. */
  readonly positional?: readonly string[];
  /** Emits the equations; throws `ParamMismatch` for params that do not fit. */
  build(b: Builder, x: Vars, params: W, scope: DocumentScope): Var | readonly Var[];
}

/** A row of the op catalogue. */
export interface OpRules<P = any> {
  readonly name: string;
  /** Other spellings that documents may use: TensorFlow's, NumPy's, ONNX's. */
  readonly aliases?: readonly string[];
  readonly family: 'elementwise' | 'reduction' | 'movement' | 'linalg' | 'indexing' | 'creation' | 'control' | 'state';
  /** What it computes, in one or two sentences of Markdown; the mathematics first. */
  readonly doc: string;
  /** Inputs in order. */
  readonly operands: readonly Operand[];
  /** Whether the last operand may occur any number of times, at least once. */
  readonly variadic: boolean;
  /** The fewest inputs a node may have, where that is not one per operand. */
  readonly minimum?: number;
  /** Whether document inputs are broadcast against one another (NumPy's rules) before the equation is made. */
  readonly broadcast: boolean;
  /** The equation's params, strict. */
  readonly params: z.ZodType<P>;
  /** Absent where documents write the equation's own params; `null` where no document may write the op. */
  readonly surface?: Surface | null;
  /** The index of the input that is a variable which the output becomes the new value of; absent for pure ops. */
  readonly writes?: number;
  /** Types of the outputs; throws `TypeMismatch` on inputs that do not fit. */
  type(x: readonly TensorType[], params: P): readonly TensorType[];
  readonly jvp: Derivative<P>;
  /** Absent where no tangent ever passes through the op itself. */
  readonly transpose?: Transpose<P>;
  /** `pointwise`: the op acts element by element, so a batch axis is one more axis. */
  readonly batch: 'pointwise' | BatchRule<P>;
  /** Equal and simpler outputs, or `null`; may emit equations. Runs when all differentiating is done. */
  readonly simplify?: (
    b: Builder,
    site: { readonly x: Vars; readonly params: P },
    y: TensorType,
  ) => Var | readonly Var[] | null;
  /** The one value of all elements, for ops without inputs whose output is uniform. */
  readonly uniform?: (params: P) => number;
  readonly lower: Lowering<P>;
  readonly cases: readonly Case[];
  /** What the laws draw their random inputs from; at least one. */
  readonly samples: readonly Sample[];
}

/** An op without params. */
export type NoParams = Record<string, never>;

/** Rules that are also the function emitting the op: `mul(b, x, y)`, `sum(b, x, { axes: [0] })`. */
export type Op<P = NoParams> = OpRules<P> & ((b: Builder, ...args: P extends NoParams ? Var[] : [...Var[], P]) => Var);

/** An op from its rules. */
export function defineOp<P>(rules: OpRules<P>): Op<P> {
  const emit = (b: Builder, ...args: (Var | P)[]): Var => {
    const last = args.at(-1);
    const hasParams = typeof last === 'object' && last !== null && !('type' in last && 'name' in last);
    const inputs = (hasParams ? args.slice(0, -1) : args) as Var[];
    return b.emit(op as OpRules, inputs, (hasParams ? last : {}) as Params)[0] as Var;
  };
  const op = Object.defineProperties(emit, Object.getOwnPropertyDescriptors(rules)) as unknown as Op<P>;
  return op;
}

/** Thrown by type rules; the builder turns it into an error in the client's names. */
export class TypeMismatch extends Error {
  /** The offending input. */
  readonly input: number;
  /** What would fit, continuing "'y' is f32[3], expected …". */
  readonly expected: string;

  constructor(input: number, expected: string) {
    super(`input ${input}: expected ${expected}`);
    this.name = 'TypeMismatch';
    this.input = input;
    this.expected = expected;
  }
}

/** Thrown by type rules when a param does not fit the inputs. */
export class ParamMismatch extends Error {
  readonly param: string;

  constructor(param: string, detail: string) {
    super(detail);
    this.name = 'ParamMismatch';
    this.param = param;
  }
}

/** The rule for input `i` in a list whose last entry repeats. */
export function ruleFor<R>(rules: readonly R[], i: number): R {
  return rules[Math.min(i, rules.length - 1)] as R;
}

/** Whether the equation's output could carry a derivative of input `i`, or the reason why not. */
export function barrierOf(eqn: Eqn, i: number): Barrier | null {
  const { jvp } = eqn.op;
  if (typeof jvp === 'object') {
    const rule = ruleFor(jvp as readonly (TangentRule<unknown> | Barrier)[], i);
    return typeof rule === 'string' ? rule : null;
  }
  return eqn.outputs.some((output) => isFloat(output.type.dtype)) ? null : 'integer_dtype';
}

/** One operand of an elementwise op. */
export function operand(
  name: string,
  kind: Operand['kind'] = 'number',
  promoted = kind !== 'integer' && kind !== 'bool',
): Operand {
  return { name, kind, promoted };
}

/** The dtype that arithmetic on `kind` leaves of a dtype the document gave. */
export function dtypeFor(kind: Operand['kind'], dtype: DType): DType {
  switch (kind) {
    case 'float':
      return dtype === 'float32' || dtype === 'float64' ? dtype : 'float64';
    case 'number':
      return dtype === 'bool' ? 'int32' : dtype;
    case 'bool':
    case 'integer':
    case 'any':
      return dtype;
    default:
      return kind satisfies never;
  }
}
