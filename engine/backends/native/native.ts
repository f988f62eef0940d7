/**
 * @file The native backend: renders plans as LLVM IR, has the system's libLLVM compile them, and runs them in this
 * process.
 */
import koffi from 'koffi';
import type { Plan } from '../../compile/plan.ts';
import { BYTES, bytesOf, sizeOf, type TensorType, type TypedArray, viewArray } from '../../types.ts';
import type { Backend, Checkpoint, Loaded, Memory } from '../backend.ts';
import { type Blas, loadBlas } from './blas.ts';
import { type Code, CodeStore } from './code.ts';
import { hostTarget } from './host.ts';
import { type CompilingTeam, type Llvm, openLlvm } from './llvm.ts';
import { type PooledMemory, pooledMemory } from './memory.ts';
import { CALLBACK, type Called, CONTEXT, type RenderedPlan, renderPlan } from './plan.ts';
import type { Target } from './target.ts';
import { COMPILE, PARALLEL, renderTeam, START } from './team.ts';

/** How the native backend is opened. */
export interface NativeOptions {
  /** The path of libLLVM; by default the newest that is found. */
  readonly llvm?: string;
  /** The path of OpenBLAS; by default the system's. */
  readonly blas?: string;
  /** Threads of one run; by default one per processor. */
  readonly threads?: number;
  /** A folder for compiled code that outlives the process; by default none does. */
  readonly cache?: string;
  /** What code is written for instead of this machine's; nothing that it does not have. */
  readonly target?: Partial<Target>;
}

/** The native backend: plans may be compiled on another thread as well. */
export interface NativeBackend extends Backend {
  loadAside(plan: Plan, memory?: Memory): Promise<Loaded>;
}

/** Opens the native backend; `undefined` where there is no libLLVM. */
export function openNative(options: NativeOptions = {}): NativeBackend | undefined {
  const llvm = openLlvm(options.llvm);
  if (!llvm) return undefined;
  const { target: host, processors } = hostTarget(llvm);
  // Our own products are as fast wherever they were measured: see `preferBlas`.
  const blas =
    host.vectorBits === 128 ? loadBlas(options.blas === undefined ? {} : { paths: [options.blas] }) : undefined;
  const target = { ...host, blas: blas !== undefined, ...options.target };
  const pool = pooledMemory(POOL_BYTES);
  const threads = Math.max(1, options.threads ?? processors);
  const compile = startTeam(llvm, threads - 1);
  const store = new CodeStore(llvm, new Map([...SYMBOLS, ...(blas?.symbols ?? [])]), options.cache, {
    compile,
    size: threads,
  });
  const runtime: Runtime = { pool, threads, blas };
  return {
    name: 'native',
    // Sums are taken in another order and products of matrices in their own dtype.
    tolerance: { float32: 1e-5, float64: 1e-12 },
    hasBands: true,
    load: (plan, memory) => {
      const { ir, ...rest } = renderPlan(plan, target);
      return new Native(plan, rest, store.get(ir), memory ?? pool, runtime);
    },
    loadAside: async (plan, memory) => {
      const { ir, ...rest } = renderPlan(plan, target);
      return new Native(plan, rest, await store.getAside(ir), memory ?? pool, runtime);
    },
  };
}

/** Starts the threads that share the work of runs and of the compiler; they sleep while there is none. */
function startTeam(llvm: Llvm, members: number): CompilingTeam {
  const linked = llvm.link(llvm.compile([renderTeam(llvm.architecture)]));
  koffi.decode(linked.address(START), startType)(members);
  const parallel = koffi.decode(linked.address(PARALLEL), parallelType);
  const compile = linked.address(COMPILE);
  return (jobs, count) => parallel(compile, jobs, count, members + 1);
}

/** What a plan's code needs to know of it; its text is many times as long, and not kept. */
type Rendered = Omit<RenderedPlan, 'ir'>;

interface Runtime {
  readonly pool: PooledMemory;
  readonly threads: number;
  /** Held, so that it stays loaded. */
  readonly blas: Blas | undefined;
}

/** Tensors up to this size are copied into and out of the block: that is quicker than finding where they lie. */
const STAGED_BYTES = 256;
/** Bytes of outputs that were given back and wait for later runs. */
const POOL_BYTES = 2 ** 28;
const ALIGNMENT = 64;
const WORD = 8;

const entryType = koffi.proto('void adjoint_entry(void* context)');
const startType = koffi.proto('void adjoint_start_team(int64_t members)');
const parallelType = koffi.proto('void adjoint_call_team(void* function, void* list, int64_t units, int64_t threads)');
const callbackType = koffi.proto('void adjoint_callback(int64_t number, void* pointers)');

class Native implements Loaded {
  readonly backend = 'native';
  readonly #plan: Plan;
  readonly #memory: Memory;
  readonly #pool: PooledMemory;
  readonly #rendered: Rendered;
  /** Held, so that it stays linked. */
  readonly #code: Code;
  readonly #call: (context: BigInt64Array) => void;
  readonly #threads: number;
  #held: Held | undefined;

  constructor(plan: Plan, rendered: Rendered, code: Code, memory: Memory, { pool, threads }: Runtime) {
    this.#plan = plan;
    this.#memory = memory;
    this.#pool = pool;
    this.#rendered = rendered;
    this.#threads = threads;
    this.#code = code;
    this.#call = koffi.decode(this.#code.entry, entryType);
  }

  run(inputs: readonly TypedArray[], checkpoint: Checkpoint): TypedArray[] {
    this.#held ??= new Held(this.#plan, this.#rendered, this.#memory, this.#threads);
    const held = this.#held;
    const outputs = held.bind(inputs, this.#memory);
    checkpoint.check();
    if (this.#rendered.canStop) held.limit(checkpoint);
    running = { called: this.#rendered.called, words: held.words, failure: undefined };
    this.#call(held.words);
    const { failure } = running;
    if (failure) throw failure.reason;
    if (held.words[CONTEXT.stopped]) {
      checkpoint.check();
      throw new Error('a run was ended before its end had come');
    }
    return held.collect(outputs);
  }

  release(outputs: readonly TypedArray[]): void {
    this.#pool.release(outputs);
  }
}

/** An external tensor that is copied into or out of the block. */
interface Staged {
  readonly index: number;
  readonly view: TypedArray;
}

/** What one plan keeps between runs: the context, small tensors, and the arena, in one block. */
class Held {
  readonly words: BigInt64Array;
  readonly #stagedInputs: readonly Staged[];
  readonly #stagedOutputs: readonly Staged[];
  readonly #directInputs: readonly { readonly index: number; readonly word: number }[];
  readonly #directOutputs: readonly { readonly index: number; readonly word: number; readonly type: TensorType }[];
  readonly #results: readonly (
    | { readonly kind: 'input'; readonly index: number }
    | { readonly kind: 'output'; readonly index: number }
    | { readonly kind: 'constant'; readonly data: TypedArray }
  )[];
  readonly #outputTypes: readonly TensorType[];
  readonly #inputSizes: readonly number[];
  /** This run's. */
  #inputs: readonly TypedArray[] = [];

  constructor(plan: Plan, { externals, arenaBytes }: Rendered, memory: Memory, threads: number) {
    const outputIds = externals.flatMap((each) => (each.kind === 'output' ? [each.id] : []));
    this.#inputSizes = plan.inputs.map(({ shape }) => sizeOf(shape));
    this.#outputTypes = outputIds.map((id) => (plan.buffers[id] as { type: TensorType }).type);
    let end = align((CONTEXT.tensors + externals.length) * WORD);
    const places = externals.map((each) => {
      if (each.kind === 'constant') return undefined;
      const type =
        each.kind === 'input'
          ? (plan.inputs[each.index] as TensorType)
          : (plan.buffers[each.id] as { type: TensorType }).type;
      if (bytesOf(type) > STAGED_BYTES) return undefined;
      const offset = end;
      end = align(end + bytesOf(type));
      return { type, offset };
    });
    const arenaOffset = end;
    const block = memory.block(end + arenaBytes + ALIGNMENT);
    const start = koffi.address(block);
    // The block begins where its memory is aligned.
    const shift = Number((BigInt(ALIGNMENT) - (start % BigInt(ALIGNMENT))) % BigInt(ALIGNMENT));
    this.words = new BigInt64Array(block, shift, CONTEXT.tensors + externals.length);
    const base = start + BigInt(shift);
    this.words[CONTEXT.threads] = BigInt(threads);
    this.words[CONTEXT.stopped] = 0n;
    this.words[CONTEXT.arena] = base + BigInt(arenaOffset);
    const staged: { input: Staged[]; output: Staged[] } = { input: [], output: [] };
    const directInputs: { index: number; word: number }[] = [];
    const directOutputs: { index: number; word: number; type: TensorType }[] = [];
    externals.forEach((each, i) => {
      const word = CONTEXT.tensors + i;
      const place = places[i];
      if (each.kind === 'constant') {
        // The plan holds it, and asking for its address takes it out of the engine's heap, where it might be moved.
        this.words[word] = each.data.length === 0 ? 0n : koffi.address(each.data);
        return;
      }
      const index = each.kind === 'input' ? each.index : outputIds.indexOf(each.id);
      if (place) {
        this.words[word] = base + BigInt(place.offset);
        const view = viewArray(place.type.dtype, block, shift + place.offset, sizeOf(place.type.shape));
        staged[each.kind].push({ index, view });
      } else if (each.kind === 'input') directInputs.push({ index, word });
      else directOutputs.push({ index, word, type: this.#outputTypes[index] as TensorType });
    });
    this.#stagedInputs = staged.input;
    this.#stagedOutputs = staged.output;
    this.#directInputs = directInputs;
    this.#directOutputs = directOutputs;
    this.#results = plan.outputs.map((id) => {
      const { place } = plan.buffers[id] as Plan['buffers'][number];
      if (place.kind === 'input') return { kind: 'input', index: place.index };
      if (place.kind === 'constant') return { kind: 'constant', data: place.data };
      return { kind: 'output', index: outputIds.indexOf(id) };
    });
  }

  /** Tells the code where this run's tensors are; the outputs, those that are large already in place. */
  bind(inputs: readonly TypedArray[], memory: Memory): TypedArray[] {
    this.#inputs = inputs;
    // Native code reads what it was compiled for, whatever there is.
    this.#inputSizes.forEach((size, i) => {
      if (inputs[i]?.length !== size) throw new Error(`input ${i} has ${inputs[i]?.length} elements, not ${size}`);
    });
    for (const { index, view } of this.#stagedInputs) copy(inputs[index] as TypedArray, view);
    for (const { index, word } of this.#directInputs) this.words[word] = koffi.address(inputs[index]);
    const outputs = this.#outputTypes.map((type) => memory.tensor(type));
    for (const { index, word } of this.#directOutputs) this.words[word] = koffi.address(outputs[index]);
    return outputs;
  }

  /** Sets when the run ends at the latest. */
  limit(checkpoint: Checkpoint): void {
    const left = Math.min(checkpoint.left(), LONGEST);
    this.words[CONTEXT.stopped] = 0n;
    this.words[CONTEXT.end] = BigInt(Math.round(left * 1e6));
  }

  /** The plan's outputs after a run. */
  collect(outputs: readonly TypedArray[]): TypedArray[] {
    for (const { index, view } of this.#stagedOutputs) copy(view, outputs[index] as TypedArray);
    const inputs = this.#inputs;
    this.#inputs = [];
    return this.#results.map((result) => {
      switch (result.kind) {
        case 'input':
          return inputs[result.index] as TypedArray;
        case 'constant':
          return result.data;
        case 'output':
          return outputs[result.index] as TypedArray;
        default:
          return result satisfies never;
      }
    });
  }
}

/** Milliseconds that no run takes. */
const LONGEST = 1e10;

function copy(from: TypedArray, to: TypedArray): void {
  // A loop over few elements is quicker than a call.
  if (from.length <= 16) for (let i = 0; i < from.length; i++) to[i] = from[i] as number;
  else (to as Uint8Array).set(from as Uint8Array);
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

// ---- Routines that have no native code

/** The run under way, for the callback; an error must not cross native code, so it waits here. */
let running: {
  readonly called: readonly Called[];
  readonly words: BigInt64Array;
  failure: { readonly reason: unknown } | undefined;
} = {
  called: [],
  words: new BigInt64Array(CONTEXT.tensors),
  failure: undefined,
};

const SYMBOLS: ReadonlyMap<string, bigint> = new Map([
  [
    CALLBACK,
    koffi.address(
      koffi.register((number: number | bigint, pointers: unknown) => {
        // The run ends where it next looks whether it should, and nothing that it computes is looked at.
        if (running.failure) return;
        try {
          runByDefinition(running.called[Number(number)] as Called, pointers);
        } catch (reason) {
          running.failure = { reason };
          running.words[CONTEXT.stopped] = 1n;
        }
      }, koffi.pointer(callbackType)),
    ),
  ],
]);

function runByDefinition({ routine, inputs, outputs }: Called, pointers: unknown): void {
  const all = [...inputs, ...outputs];
  const addresses = new BigUint64Array(koffi.view(pointers, all.length * WORD));
  const tensors = all.map(({ dtype, size }, i) => {
    const bytes = size * BYTES[dtype];
    const memory = bytes === 0 ? new ArrayBuffer(0) : koffi.view(addresses[i], bytes);
    return viewArray(dtype, memory, 0, size);
  });
  routine.run(tensors.slice(0, inputs.length), tensors.slice(inputs.length));
}
