/** @file A small JIT for tests and measurements of routines: IR text to the address of a function in this process. */
import { readFileSync } from 'node:fs';
import koffi, { type KoffiFunc, type LibraryHandle } from 'koffi';
import type { Target } from '../../engine/backends/native/target.ts';
import type { TypedArray } from '../../engine/types.ts';

const LIBRARIES = ['libLLVM.so.19.1', 'libLLVM-19.so.1', 'libLLVM-16.so.1', 'libLLVM-15.so.1'];

/** Milliseconds that the parts of a compilation took. */
export interface CompileTimes {
  parse: number;
  optimise: number;
  generate: number;
}

/** A compiled module. */
export interface Compiled {
  readonly times: CompileTimes;
  /** The address of a function of the module. */
  address(name: string): bigint;
}

/** A JIT for the processor that this runs on. */
export interface Jit {
  readonly library: string;
  readonly cpu: string;
  readonly target: Target;
  /** Compiles a module; `passes` such as `default<O1>` run first, and none where it is empty. */
  compile(text: string, passes?: string): Compiled;
  /** What LLVM finds wrong with a module; nothing where it is well formed. */
  verify(text: string): string;
  /** The object file, for disassembly. */
  object(text: string, passes?: string): Uint8Array;
}

/** What a verifier does that finds something: it says so. */
const RETURN_STATUS = 2;

type Foreign = (...args: unknown[]) => unknown;

/** The JIT; undefined where no libLLVM is found. `library` names one that is preferred. */
export function openJit(library?: string): Jit | undefined {
  for (const name of library ? [library] : LIBRARIES) {
    try {
      return jitOf(koffi.load(name), name);
    } catch {
      // The next one.
    }
  }
  return undefined;
}

function jitOf(library: LibraryHandle, name: string): Jit {
  const foreign = (signature: string): Foreign => library.func(signature) as Foreign;
  const prefix = process.arch === 'arm64' ? 'AArch64' : 'X86';
  for (const part of ['TargetInfo', 'Target', 'TargetMC', 'AsmPrinter', 'AsmParser'])
    foreign(`void LLVMInitialize${prefix}${part}()`)();
  // As the engine's own: loop addresses stay as they are written.
  foreign('void LLVMParseCommandLineOptions(int, const char**, const char*)')(2, ['shim', '-disable-lsr'], null);
  const newContext = foreign('void* LLVMOrcCreateNewThreadSafeContext()');
  const contextOf = foreign('void* LLVMOrcThreadSafeContextGetContext(void*)');
  const newBuffer = foreign('void* LLVMCreateMemoryBufferWithMemoryRangeCopy(const char*, size_t, const char*)');
  const parseIr = foreign('int LLVMParseIRInContext(void*, void*, _Out_ void**, _Out_ char**)');
  const triple = foreign('char* LLVMGetDefaultTargetTriple()')() as string;
  const cpu = foreign('char* LLVMGetHostCPUName()')() as string;
  const features = foreign('char* LLVMGetHostCPUFeatures()')() as string;
  const targetFromTriple = foreign('int LLVMGetTargetFromTriple(const char*, _Out_ void**, _Out_ char**)');
  const newMachine = foreign(
    'void* LLVMCreateTargetMachine(void*, const char*, const char*, const char*, int, int, int)',
  );
  const runPasses = foreign('void* LLVMRunPasses(void*, const char*, void*, void*)');
  const passOptions = foreign('void* LLVMCreatePassBuilderOptions()')();
  const newModule = foreign('void* LLVMOrcCreateNewThreadSafeModule(void*, void*)');
  const newBuilder = foreign('void* LLVMOrcCreateLLJITBuilder()');
  const machineBuilder = foreign('void* LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(void*)');
  const setMachineBuilder = foreign('void LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(void*, void*)');
  const newJit = foreign('void* LLVMOrcCreateLLJIT(_Out_ void**, void*)');
  const mainLibrary = foreign('void* LLVMOrcLLJITGetMainJITDylib(void*)');
  const addModule = foreign('void* LLVMOrcLLJITAddLLVMIRModule(void*, void*, void*)');
  const lookup = foreign('void* LLVMOrcLLJITLookup(void*, _Out_ uint64_t*, const char*)');
  const processSymbols = foreign(
    'void* LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(_Out_ void**, char, void*, void*)',
  );
  const addGenerator = foreign('void LLVMOrcJITDylibAddGenerator(void*, void*)');
  const messageOf = foreign('char* LLVMGetErrorMessage(void*)');
  const setTriple = foreign('void LLVMSetTarget(void*, const char*)');
  const emit = foreign('int LLVMTargetMachineEmitToMemoryBuffer(void*, void*, int, _Out_ char**, _Out_ void**)');
  const verifyModule = foreign('int LLVMVerifyModule(void*, int, _Out_ char**)');
  const bufferStart = foreign('void* LLVMGetBufferStart(void*)');
  const bufferSize = foreign('size_t LLVMGetBufferSize(void*)');

  const check = (error: unknown): void => {
    if (error) throw new Error(messageOf(error) as string);
  };
  const result = (call: (out: unknown[]) => unknown): unknown => {
    const out: unknown[] = [null];
    check(call(out));
    return out[0];
  };
  const target = result((out) => (targetFromTriple(triple, out, [null]) ? 1 : null));
  // Level 2 of code generation, position-independent code of the default model.
  const machine = (): unknown => newMachine(target, triple, cpu, features, 2, 2, 0);
  const builder = newBuilder();
  setMachineBuilder(builder, machineBuilder(machine()));
  const jit = result((out) => newJit(out, builder));
  const passMachine = machine();
  const dylib = mainLibrary(jit);
  addGenerator(
    dylib,
    result((out) => processSymbols(out, 0, null, null)),
  );

  const parse = (text: string): { context: unknown; module: unknown } => {
    const context = newContext();
    const size = Buffer.byteLength(text);
    const out: unknown[] = [null];
    const message: unknown[] = [null];
    if (parseIr(contextOf(context), newBuffer(text, size, 'module'), out, message))
      throw new Error(message[0] as string);
    setTriple(out[0], triple);
    return { context, module: out[0] };
  };
  return {
    library: name,
    cpu,
    target: targetOf(features),
    compile: (text, passes = '') => {
      const start = performance.now();
      const { context, module } = parse(text);
      const parsed = performance.now();
      if (passes) check(runPasses(module, passes, passMachine, passOptions));
      const optimised = performance.now();
      const times = { parse: parsed - start, optimise: optimised - parsed, generate: 0 };
      check(addModule(jit, dylib, newModule(module, context)));
      return {
        times,
        address: (symbol) => {
          const begin = performance.now();
          const address = BigInt(result((out) => lookup(jit, out, symbol)) as number | bigint);
          times.generate += performance.now() - begin;
          return address;
        },
      };
    },
    verify: (text) => {
      const message: unknown[] = [''];
      verifyModule(parse(text).module, RETURN_STATUS, message);
      return message[0] as string;
    },
    object: (text, passes = '') => {
      const { module } = parse(text);
      if (passes) check(runPasses(module, passes, passMachine, passOptions));
      const out: unknown[] = [null];
      if (emit(passMachine, module, 1, [null], out)) throw new Error('no object');
      const bytes = koffi.view(bufferStart(out[0]) as bigint, Number(bufferSize(out[0]))) as ArrayBuffer;
      return new Uint8Array(bytes.slice(0));
    },
  };
}

function targetOf(features: string): Target {
  const has = (feature: string): boolean => features.includes(`+${feature}`);
  const vectorBits = has('avx512f') && has('avx512dq') ? 512 : has('avx2') ? 256 : 128;
  return {
    vectorBits,
    registers: vectorBits === 512 || has('neon') ? 32 : 16,
    masks: vectorBits === 512,
    fma: has('fma') || has('neon'),
    threads: false,
    blas: false,
    clock: 1,
    caches: [cacheBytes(0, 32 << 10), cacheBytes(2, 1 << 20)],
  };
}

/** The size that Linux tells of a cache of the first processor: 0 is the first-level data cache, 2 the second level. */
function cacheBytes(index: number, otherwise: number): number {
  try {
    const text = readFileSync(`/sys/devices/system/cpu/cpu0/cache/index${index}/size`, 'utf8');
    return Number.parseInt(text, 10) * 1024;
  } catch {
    return otherwise;
  }
}

/** Calls units of a phase: `(inputs…, outputs…, scratch, begin, end)`. */
export type PhaseCall = (arrays: readonly (TypedArray | ArrayBuffer)[], begin: number, end: number) => void;

let protos = 0;

/** The function of a phase as something to call; `later` runs it on another thread. */
export function phaseFunction(
  address: bigint,
  arrays: number,
): { call: PhaseCall; later(...args: Parameters<PhaseCall>): Promise<void> } {
  const proto = koffi.proto(
    `void phase_${protos++}(${Array.from({ length: arrays }, () => 'void*').join(', ')}, int64_t, int64_t)`,
  );
  const call = koffi.decode(address, proto) as KoffiFunc<(...args: unknown[]) => void>;
  return {
    call: (buffers, begin, end) => call(...buffers, begin, end),
    later: (buffers, begin, end) =>
      new Promise((resolve, reject) => {
        call.async(...buffers, begin, end, (error: unknown) => (error ? reject(error as Error) : resolve()));
      }),
  };
}

/** Where an array's first byte is. */
export function addressOf(array: TypedArray): number {
  return Number(koffi.address(array));
}
