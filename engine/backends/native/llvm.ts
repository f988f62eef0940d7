/**
 * @file The system's libLLVM: finds and opens it, turns IR text into object files, and links those into this process.
 */
import { existsSync } from 'node:fs';
import koffi, { type LibraryHandle } from 'koffi';
import { openLibrary } from './library.ts';

/** The versions whose C interface and IR are known to fit, newest first. */
const VERSIONS = [22, 21, 20, 19, 18, 17, 16, 15] as const;

/** How distributions name the library of a version. */
const NAMES = [
  (version: number) => `libLLVM.so.${version}.1`,
  (version: number) => `libLLVM-${version}.so.1`,
  (version: number) => `libLLVM-${version}.so`,
  (version: number) => `/usr/lib/llvm-${version}/lib/libLLVM.so.1`,
  (version: number) => `/usr/lib64/llvm${version}/lib64/libLLVM.so`,
  (version: number) => `/opt/homebrew/opt/llvm@${version}/lib/libLLVM.dylib`,
  (version: number) => `/usr/local/opt/llvm@${version}/lib/libLLVM.dylib`,
] as const;

/** Where Homebrew puts the newest. */
const UNVERSIONED = ['/opt/homebrew/opt/llvm/lib/libLLVM.dylib', '/usr/local/opt/llvm/lib/libLLVM.dylib'] as const;

/** Code that is linked into this process. */
export interface Linked {
  /** The address of a function. */
  address(name: string): bigint;
  /** Takes the code out of the process; nothing of it may run any more. */
  release(): void;
}

/** The compiler. */
export interface Llvm {
  /** The version, the processor and its features: what an object depends on beside its text. */
  readonly identity: string;
  /** The first part of the target triple: `x86_64`, `aarch64`. */
  readonly architecture: string;
  /** The features that the processor has: `avx512f`. */
  readonly features: ReadonlySet<string>;
  /**
   * IR texts as object files, made quickly or well; throws what LLVM says of text that is wrong. With a team, all at the
   * same time.
   */
  compile(irs: readonly string[], quickly?: boolean, team?: CompilingTeam): Uint8Array[];
  /** The same on another thread, one after the other. */
  compileAside(irs: readonly string[], quickly?: boolean): Promise<Uint8Array[]>;
  /** Links object files that may call one another. What else they call is found in this process, or in `symbols`. */
  link(objects: readonly Uint8Array[], symbols?: ReadonlyMap<string, bigint>): Linked;
}

/** Threads that compile: `jobs` holds the addresses of the functions that parse and emit, then `JOB_WORDS` words a job. */
export type CompilingTeam = (jobs: BigUint64Array, count: number) => void;

/** The words of a job: context, text, machine, module, message, object file, and whether it failed. */
export const JOB_WORDS = 7;

/** Opens the library at a path, or the newest one found; `undefined` when there is none. */
export function openLlvm(path?: string): Llvm | undefined {
  for (const candidate of path === undefined ? candidates() : [path]) {
    const library = openLibrary(candidate);
    const compiler = library && isLlvm(library) && compilerOf(library, candidate);
    if (compiler) return compiler;
  }
  return undefined;
}

/** Whether this is a libLLVM whose pointers are opaque, which they are from version 15 on. */
function isLlvm(library: LibraryHandle): boolean {
  try {
    library.symbol('LLVMPointerTypeInContext');
    return true;
  } catch {
    return false;
  }
}

/** The compiler of a library; `undefined` for one that lacks what is called, or has no code for this processor. */
function compilerOf(library: LibraryHandle, path: string): Compiler | undefined {
  try {
    return new Compiler(library, path);
  } catch {
    return undefined;
  }
}

function candidates(): string[] {
  return [...VERSIONS.flatMap((version) => NAMES.map((name) => name(version))), ...UNVERSIONED].filter(
    (name) => !name.startsWith('/') || existsSync(name),
  );
}

/** LLVM's names of the architectures that its libraries are asked to prepare. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'X86', aarch64: 'AArch64', arm64: 'AArch64' };

/**
 * What the code generator is told, after a name for messages: to leave the addresses of loops as they are written. They
 * are simple, and looking for better ones takes a sixth of the time.
 */
const OPTIONS = ['adjoint', '-disable-lsr'] as const;

/** The names of modules that are gone are swept after so many of them. */
const SWEEP = 256;

const OBJECT_FILE = 1;
/** The code generator's level of optimisation; the renderers leave little to do for the levels above. */
const LEVEL = { none: 0, less: 1, default: 2, aggressive: 3 } as const;
const RELOCATION_PIC = 2;
const RELOCATION_STATIC = 1;
const CODE_MODEL_DEFAULT = 0;
const CODE_MODEL_LARGE = 6;

/** The functions of LLVM's C interface that are called here. */
function interfaceOf(library: LibraryHandle) {
  const call = (declaration: string): Call => library.func(declaration);
  return {
    initialise: (architecture: string) => {
      for (const part of ['TargetInfo', 'Target', 'TargetMC', 'AsmPrinter', 'AsmParser'])
        call(`void LLVMInitialize${architecture}${part}()`)();
    },
    defaultTriple: call('char* LLVMGetDefaultTargetTriple()'),
    hostCpu: call('char* LLVMGetHostCPUName()'),
    hostFeatures: call('char* LLVMGetHostCPUFeatures()'),
    targetFromTriple: call('int LLVMGetTargetFromTriple(const char*, _Out_ void**, _Out_ char**)'),
    createTargetMachine: call(
      'void* LLVMCreateTargetMachine(void*, const char*, const char*, const char*, int, int, int)',
    ),
    disposeTargetMachine: call('void LLVMDisposeTargetMachine(void*)'),
    createDataLayout: call('void* LLVMCreateTargetDataLayout(void*)'),
    layoutText: call('char* LLVMCopyStringRepOfTargetData(void*)'),
    disposeDataLayout: call('void LLVMDisposeTargetData(void*)'),
    createContext: call('void* LLVMContextCreate()'),
    disposeContext: call('void LLVMContextDispose(void*)'),
    bufferOf: call('void* LLVMCreateMemoryBufferWithMemoryRangeCopy(const void*, size_t, const char*)'),
    bufferStart: call('void* LLVMGetBufferStart(void*)'),
    bufferSize: call('size_t LLVMGetBufferSize(void*)'),
    disposeBuffer: call('void LLVMDisposeMemoryBuffer(void*)'),
    parse: call('int LLVMParseIRInContext(void*, void*, _Out_ void**, _Out_ char**)'),
    disposeModule: call('void LLVMDisposeModule(void*)'),
    verify: call('int LLVMVerifyModule(void*, int, _Out_ char**)'),
    emit: call('int LLVMTargetMachineEmitToMemoryBuffer(void*, void*, int, _Out_ char**, _Out_ void**)'),
    createJit: call('void* LLVMOrcCreateLLJIT(_Out_ void**, void*)'),
    session: call('void* LLVMOrcLLJITGetExecutionSession(void*)'),
    mainLibrary: call('void* LLVMOrcLLJITGetMainJITDylib(void*)'),
    globalPrefix: call('char LLVMOrcLLJITGetGlobalPrefix(void*)'),
    processSymbols: call(
      'void* LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(_Out_ void**, char, void*, void*)',
    ),
    addGenerator: call('void LLVMOrcJITDylibAddGenerator(void*, void*)'),
    intern: call('void* LLVMOrcLLJITMangleAndIntern(void*, const char*)'),
    absoluteSymbols: call('void* LLVMOrcAbsoluteSymbols(void*, size_t)'),
    define: call('void* LLVMOrcJITDylibDefine(void*, void*)'),
    createTracker: call('void* LLVMOrcJITDylibCreateResourceTracker(void*)'),
    removeTracked: call('void* LLVMOrcResourceTrackerRemove(void*)'),
    releaseTracker: call('void LLVMOrcReleaseResourceTracker(void*)'),
    namesOf: call('void* LLVMOrcExecutionSessionGetSymbolStringPool(void*)'),
    clearNames: call('void LLVMOrcSymbolStringPoolClearDeadEntries(void*)'),
    addObject: call('void* LLVMOrcLLJITAddObjectFileWithRT(void*, void*, void*)'),
    lookup: call('void* LLVMOrcLLJITLookup(void*, _Out_ uint64_t*, const char*)'),
    errorMessage: call('char* LLVMGetErrorMessage(void*)'),
  } as const;
}

type Interface = ReturnType<typeof interfaceOf>;

type Call = ReturnType<LibraryHandle['func']>;

/** The library's own version; the oldest ones do not tell it. */
function versionOf(library: LibraryHandle): string | undefined {
  const parts = [[0], [0], [0]] as const;
  try {
    library.func('void LLVMGetVersion(_Out_ unsigned int*, _Out_ unsigned int*, _Out_ unsigned int*)')(...parts);
  } catch {
    return undefined;
  }
  return parts.map(([part]) => part).join('.');
}

class Compiler implements Llvm {
  readonly identity: string;
  readonly architecture: string;
  readonly features: ReadonlySet<string>;
  readonly #llvm: Interface;
  readonly #triple: string;
  readonly #isX86: boolean;
  readonly #cpu: string;
  readonly #featureText: string;
  readonly #target: bigint;
  readonly #jit: bigint;
  readonly #defined = new Set<string>();
  readonly #prelude: string;
  /** How many modules have been taken out of the process. */
  #released = 0;
  /** Where the functions are that a team calls. */
  readonly #addresses: { readonly parse: bigint; readonly emit: bigint };

  constructor(library: LibraryHandle, path: string) {
    const llvm = interfaceOf(library);
    this.#llvm = llvm;
    this.#triple = llvm.defaultTriple();
    this.architecture = this.#triple.split('-', 1)[0] as string;
    const name = ARCHITECTURES[this.architecture];
    if (name === undefined) throw new Error(`libLLVM has no code generator for ${this.#triple}`);
    llvm.initialise(name);
    library.func('void LLVMParseCommandLineOptions(int, const char**, const char*)')(OPTIONS.length, OPTIONS, null);
    this.#cpu = llvm.hostCpu();
    this.#featureText = llvm.hostFeatures();
    this.features = new Set(this.#featureText.split(',').flatMap((each) => (each[0] === '+' ? [each.slice(1)] : [])));
    this.#isX86 = this.architecture === 'x86_64';
    this.identity = `LLVM ${versionOf(library) ?? path} ${this.#triple} ${this.#cpu} ${this.#featureText}${this.#isX86 ? ' large' : ''}`;
    const found = [null] as (bigint | null)[];
    const message = [''];
    if (llvm.targetFromTriple(this.#triple, found, message)) throw new Error(message[0]);
    this.#target = found[0] as bigint;
    this.#prelude = this.#targetLines();
    this.#addresses = {
      parse: koffi.address(library.symbol('LLVMParseIRInContext')),
      emit: koffi.address(library.symbol('LLVMTargetMachineEmitToMemoryBuffer')),
    };
    this.#jit = this.#createJit();
  }

  compile(irs: readonly string[], quickly = false, team?: CompilingTeam): Uint8Array[] {
    if (!team || irs.length === 1) return irs.map((ir) => this.#compileOne(ir, quickly));
    const units = irs.map((ir) => this.#open(ir, quickly));
    const words = units.map(({ context, text, machine }) => [context, text, machine, 0n, 0n, 0n, 0n]);
    const jobs = new BigUint64Array([this.#addresses.parse, this.#addresses.emit, ...words.flat()]);
    team(jobs, units.length);
    const word = (unit: number, at: number): bigint => jobs[2 + unit * JOB_WORDS + at] as bigint;
    units.forEach((unit, i) => {
      if (word(i, 3) !== 0n) unit.module = word(i, 3);
      this.#close(unit);
    });
    const failed = units.findIndex((_, i) => word(i, 6) !== 0n);
    if (failed >= 0) throw new Error(koffi.decode(word(failed, 4), 'char', -1));
    return units.map((_, i) => this.#take(word(i, 5)));
  }

  #compileOne(ir: string, quickly: boolean): Uint8Array {
    const unit = this.#open(ir, quickly);
    try {
      const message = [''];
      const module = [null] as (bigint | null)[];
      if (this.#llvm.parse(unit.context, unit.text, module, message)) throw new Error(message[0]);
      unit.module = module[0] as bigint;
      const object = [null] as (bigint | null)[];
      if (this.#llvm.emit(unit.machine, unit.module, OBJECT_FILE, message, object)) throw new Error(message[0]);
      return this.#take(object[0] as bigint);
    } finally {
      this.#close(unit);
    }
  }

  async compileAside(irs: readonly string[], quickly = false): Promise<Uint8Array[]> {
    const objects: Uint8Array[] = [];
    for (const ir of irs) {
      const unit = this.#open(ir, quickly);
      try {
        const message = [''];
        const module = [null] as (bigint | null)[];
        if (await aside(this.#llvm.parse, unit.context, unit.text, module, message)) throw new Error(message[0]);
        unit.module = module[0] as bigint;
        const object = [null] as (bigint | null)[];
        if (await aside(this.#llvm.emit, unit.machine, unit.module, OBJECT_FILE, message, object))
          throw new Error(message[0]);
        objects.push(this.#take(object[0] as bigint));
      } finally {
        this.#close(unit);
      }
    }
    return objects;
  }

  link(objects: readonly Uint8Array[], symbols: ReadonlyMap<string, bigint> = new Map()): Linked {
    const llvm = this.#llvm;
    const library = llvm.mainLibrary(this.#jit);
    this.#defineSymbols(library, symbols);
    const tracker = llvm.createTracker(library);
    for (const object of objects) {
      const buffer = llvm.bufferOf(object, object.byteLength, 'object');
      this.#check(llvm.addObject(this.#jit, tracker, buffer));
    }
    return {
      address: (name) => {
        const found = [0n];
        this.#check(llvm.lookup(this.#jit, found, name));
        return BigInt(found[0] as bigint);
      },
      release: () => {
        this.#check(llvm.removeTracked(tracker));
        llvm.releaseTracker(tracker);
        // Names stay until they are swept, which takes longer the more there are.
        if (++this.#released % SWEEP === 0) llvm.clearNames(llvm.namesOf(llvm.session(this.#jit)));
      },
    };
  }

  #createJit(): bigint {
    const llvm = this.#llvm;
    const made = [null] as (bigint | null)[];
    this.#check(llvm.createJit(made, null));
    const jit = made[0] as bigint;
    const generator = [null] as (bigint | null)[];
    this.#check(llvm.processSymbols(generator, llvm.globalPrefix(jit), null, null));
    llvm.addGenerator(llvm.mainLibrary(jit), generator[0]);
    return jit;
  }

  #defineSymbols(library: bigint, symbols: ReadonlyMap<string, bigint>): void {
    const llvm = this.#llvm;
    for (const [name, address] of symbols) {
      if (this.#defined.has(name)) continue;
      this.#defined.add(name);
      // A pair of an interned name and a symbol: its address, and flags that say it is exported and callable.
      const pair = new BigUint64Array([llvm.intern(this.#jit, name), address, EXPORTED_CALLABLE]);
      this.#check(llvm.define(library, llvm.absoluteSymbols(pair, 1)));
    }
  }

  #open(ir: string, quickly: boolean): Unit {
    const llvm = this.#llvm;
    const bytes = Buffer.from(this.#prelude + ir);
    return {
      context: llvm.createContext(),
      text: llvm.bufferOf(bytes, bytes.byteLength, 'module'),
      machine: this.#createMachine(quickly ? LEVEL.none : LEVEL.default),
      module: undefined,
    };
  }

  #createMachine(level: number): bigint {
    const { createTargetMachine } = this.#llvm;
    return createTargetMachine(
      this.#target,
      this.#triple,
      this.#cpu,
      this.#featureText,
      level,
      // LLVM's linker puts the sections of an object where there is room, which may be gigabytes apart, and cuts off what
      // does not fit into a relative address of 32 bits: so addresses are whole, as far as x86 goes.
      this.#isX86 ? RELOCATION_STATIC : RELOCATION_PIC,
      this.#isX86 ? CODE_MODEL_LARGE : CODE_MODEL_DEFAULT,
    );
  }

  /** The lines that say what processor a module is for. */
  #targetLines(): string {
    const llvm = this.#llvm;
    const machine = this.#createMachine(LEVEL.default);
    const layout = llvm.createDataLayout(machine);
    const lines = `target datalayout = "${llvm.layoutText(layout)}"\ntarget triple = "${this.#triple}"\n`;
    llvm.disposeDataLayout(layout);
    llvm.disposeTargetMachine(machine);
    return lines;
  }

  #close({ context, machine, module }: Unit): void {
    if (module !== undefined) this.#llvm.disposeModule(module);
    this.#llvm.disposeTargetMachine(machine);
    this.#llvm.disposeContext(context);
  }

  #take(buffer: bigint): Uint8Array {
    const llvm = this.#llvm;
    const size = Number(llvm.bufferSize(buffer));
    const bytes = new Uint8Array(koffi.view(llvm.bufferStart(buffer), size)).slice();
    llvm.disposeBuffer(buffer);
    return bytes;
  }

  #check(error: bigint | null): void {
    if (error) throw new Error(this.#llvm.errorMessage(error));
  }
}

/** `JITSymbolFlags` of an absolute symbol: exported and callable, as two bytes. */
const EXPORTED_CALLABLE = 0x05n;

/** A compilation under way. */
interface Unit {
  readonly context: bigint;
  readonly text: bigint;
  readonly machine: bigint;
  module: bigint | undefined;
}

/** A call made on another thread. */
function aside(fn: Call, ...args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    fn.async(...args, (error: Error | null, result: unknown) => (error ? reject(error) : resolve(result)));
  });
}
