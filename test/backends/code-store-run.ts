/**
 * @file A store of code whose compilations and links are counted, and its code called. As a process of its own it gets
 * one module from the folder named and prints `<compilations> <what the code wrote>`.
 */
import koffi from 'koffi';
import { CodeStore } from '../../engine/backends/native/code.ts';
import { type Llvm, openLlvm } from '../../engine/backends/native/llvm.ts';
import { ENTRY } from '../../engine/backends/native/plan.ts';

/** What a store did. */
export interface Counts {
  compiled: number;
  linked: number;
  released: number;
}

/** A store with a folder or without one, on an LLVM of its own. */
export function openStore(
  folder?: string,
  identity = 'of this test',
  parts = 1,
): { readonly store: CodeStore; readonly counts: Counts } {
  const llvm = openLlvm() as Llvm;
  const counts = { compiled: 0, linked: 0, released: 0 };
  const counting: Llvm = {
    identity,
    architecture: llvm.architecture,
    features: llvm.features,
    compile: (irs) => {
      counts.compiled++;
      return llvm.compile(irs);
    },
    compileAside: (irs) => {
      counts.compiled++;
      return llvm.compileAside(irs);
    },
    link: (objects, symbols) => {
      counts.linked++;
      const linked = llvm.link(objects, symbols);
      return {
        address: (name) => linked.address(name),
        release: () => {
          counts.released++;
          linked.release();
        },
      };
    },
  };
  // Parts are compiled one after the other here.
  return { store: new CodeStore(counting, new Map(), folder, { compile() {}, size: parts }), counts };
}

/** A module that writes a number. */
export function writing(number: number): string {
  return `define void @${ENTRY}(ptr %context) nounwind {\nentry:\n  store i64 ${number}, ptr %context\n  ret void\n}\n`;
}

const entryType = koffi.proto('void test_entry(void* context)');

/** What code writes. */
export function calling({ entry }: { readonly entry: bigint }): number {
  const words = new BigInt64Array(16);
  koffi.decode(entry, entryType)(words);
  return Number(words[0]);
}

const [, script, folder] = process.argv;
if (script === import.meta.filename) {
  const { store, counts } = openStore(folder);
  const written = calling(store.get(writing(7)));
  process.stdout.write(`${counts.compiled} ${written}`);
}
