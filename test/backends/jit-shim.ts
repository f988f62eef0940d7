/** @file The least that makes LLVM IR run in a test: a libLLVM through koffi, and one JIT for each target. */
import koffi from 'koffi';

/** A function of compiled code: pointers are typed arrays. */
export type NativeFunction = (...args: readonly (NodeJS.TypedArray | bigint)[]) => void;

/** Compiles a module for this machine and looks a function of it up. */
export interface Jit {
  /** `parameters` are C types, such as `void*, int64_t`. */
  compile(text: string, name: string, parameters: string): NativeFunction;
  /** The module as assembly. */
  assembly(text: string): string;
}

/** What code is compiled for: this processor, or the least that its architecture promises. */
export type Target = 'host' | 'baseline';

const LIBRARIES = [15, 16, 17, 18]
  .map((version) => `libLLVM-${version}.so.1`)
  .concat([19, 20, 21, 22].map((version) => `libLLVM.so.${version}.1`));

function load(): ReturnType<typeof koffi.load> | undefined {
  const wanted = process.env.ADJOINT_LLVM;
  for (const name of wanted ? [wanted] : LIBRARIES) {
    try {
      return koffi.load(name);
    } catch {}
  }
  return undefined;
}

const library = load();

/** Whether a libLLVM was found. */
export const hasLlvm = library !== undefined;

const ARCHITECTURE = process.arch === 'arm64' ? 'AArch64' : 'X86';
const MAXIMUM_OPTIMIZATION = 3;
const RELOCATE_PIC = 2;
const ASSEMBLY = 0;

type Pointer = unknown;

/** A JIT for the target. */
export function openJit(target: Target): Jit {
  if (!library) throw new Error('no libLLVM');
  const c = (prototype: string): ((...args: unknown[]) => unknown) => library.func(prototype);
  const check = (error: Pointer): void => {
    if (error) throw new Error(c('char* LLVMGetErrorMessage(void*)')(error) as string);
  };
  const out = (run: (result: Pointer[]) => unknown): Pointer => {
    const result: Pointer[] = [null];
    check(run(result));
    return result[0];
  };
  const outOrText = (run: (result: Pointer[], message: string[]) => unknown): Pointer => {
    const result: Pointer[] = [null];
    const message: string[] = [''];
    if (run(result, message)) throw new Error(message[0]);
    return result[0];
  };

  for (const part of ['TargetInfo', 'Target', 'TargetMC', 'AsmPrinter', 'AsmParser']) {
    c(`void LLVMInitialize${ARCHITECTURE}${part}()`)();
  }
  const triple = c('char* LLVMGetDefaultTargetTriple()')() as string;
  const isHost = target === 'host';
  const processor = isHost ? (c('char* LLVMGetHostCPUName()')() as string) : '';
  const features = isHost ? (c('char* LLVMGetHostCPUFeatures()')() as string) : '';
  const machineFor = outOrText((result, message) =>
    c('int LLVMGetTargetFromTriple(const char*, _Out_ void**, _Out_ char**)')(triple, result, message),
  );
  const newMachine = (): Pointer =>
    c('void* LLVMCreateTargetMachine(void*, const char*, const char*, const char*, int, int, int)')(
      machineFor,
      triple,
      processor,
      features,
      MAXIMUM_OPTIMIZATION,
      RELOCATE_PIC,
      0,
    );
  const machine = newMachine();
  const builder = c('void* LLVMOrcCreateLLJITBuilder()')();
  c('void LLVMOrcLLJITBuilderSetJITTargetMachineBuilder(void*, void*)')(
    builder,
    c('void* LLVMOrcJITTargetMachineBuilderCreateFromTargetMachine(void*)')(newMachine()),
  );
  const jit = out((result) => c('void* LLVMOrcCreateLLJIT(_Out_ void**, void*)')(result, builder));
  const dylib = c('void* LLVMOrcLLJITGetMainJITDylib(void*)')(jit);
  // Calls of fmod and sin find the C library of this process.
  const prefix = c('char LLVMOrcLLJITGetGlobalPrefix(void*)')(jit);
  const generator = out((result) =>
    c('void* LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(_Out_ void**, char, void*, void*)')(
      result,
      prefix,
      null,
      null,
    ),
  );
  c('void LLVMOrcJITDylibAddGenerator(void*, void*)')(dylib, generator);

  const parse = (text: string): { context: Pointer; module: Pointer } => {
    const context = c('void* LLVMOrcCreateNewThreadSafeContext()')();
    const buffer = c('void* LLVMCreateMemoryBufferWithMemoryRangeCopy(const char*, size_t, const char*)')(
      text,
      Buffer.byteLength(text),
      'm',
    );
    const module = outOrText((result, message) =>
      c('int LLVMParseIRInContext(void*, void*, _Out_ void**, _Out_ char**)')(
        c('void* LLVMOrcThreadSafeContextGetContext(void*)')(context),
        buffer,
        result,
        message,
      ),
    );
    c('void LLVMSetTarget(void*, const char*)')(module, triple);
    check(
      c('void* LLVMRunPasses(void*, const char*, void*, void*)')(
        module,
        'verify,default<O2>',
        machine,
        c('void* LLVMCreatePassBuilderOptions()')(),
      ),
    );
    return { context, module };
  };

  return {
    compile(text, name, parameters) {
      const { context, module } = parse(text);
      check(
        c('void* LLVMOrcLLJITAddLLVMIRModule(void*, void*, void*)')(
          jit,
          dylib,
          c('void* LLVMOrcCreateNewThreadSafeModule(void*, void*)')(module, context),
        ),
      );
      const address = out((result) =>
        c('void* LLVMOrcLLJITLookup(void*, _Out_ uint64_t*, const char*)')(jit, result, name),
      );
      const prototype = koffi.proto(`void ${name}(${parameters})`);
      return (...args) => koffi.call(address, prototype, ...args);
    },
    assembly(text) {
      const { module } = parse(text);
      const buffer = outOrText((result, message) =>
        c('int LLVMTargetMachineEmitToMemoryBuffer(void*, void*, int, _Out_ char**, _Out_ void**)')(
          machine,
          module,
          ASSEMBLY,
          message,
          result,
        ),
      );
      return c('char* LLVMGetBufferStart(void*)')(buffer) as string;
    },
  };
}
