/**
 * @file Addresses in compiled code. LLVM's linker may put the sections of an object further apart than 32 bits reach,
 * and does not say so: a large module then reads its constants from nowhere, and the process ends.
 */
import { expect, test } from 'vitest';
import { openLlvm } from '../../engine/backends/native/llvm.ts';

const llvm = openLlvm();

const MODULE = `
define double @scale(double %x) noinline {
  %y = fmul double %x, 0x3FB999999999999A
  ret double %y
}
define double @entry(double %x) {
  %y = call double @scale(double %x)
  %z = fadd double %y, 0x400921FB54442D18
  ret double %z
}
`;

/** The kinds of relocations in the executable sections of an ELF object file. */
function relocationsOf(object: Uint8Array): number[] {
  const file = new DataView(object.buffer, object.byteOffset, object.byteLength);
  const [table, size, count] = [
    Number(file.getBigUint64(40, true)),
    file.getUint16(58, true),
    file.getUint16(60, true),
  ];
  const [SHT_RELA, SHF_EXECINSTR] = [4, 4n];
  const kinds: number[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + i * size;
    if (file.getUint32(at + 4, true) !== SHT_RELA) continue;
    const target = table + file.getUint32(at + 44, true) * size;
    if ((file.getBigUint64(target + 8, true) & SHF_EXECINSTR) === 0n) continue;
    const [offset, bytes] = [Number(file.getBigUint64(at + 24, true)), Number(file.getBigUint64(at + 32, true))];
    for (let entry = offset; entry < offset + bytes; entry += 24) kinds.push(file.getUint32(entry + 8, true));
  }
  return kinds;
}

const isElf = llvm?.architecture === 'x86_64' && process.platform === 'linux';

test.skipIf(!isElf)('on x86-64, constants and functions have whole addresses (needs libLLVM)', () => {
  const [object] = (llvm as NonNullable<typeof llvm>).compile([MODULE]);
  const R_X86_64_64 = 1;
  const kinds = relocationsOf(object as Uint8Array);
  expect(kinds.length).toBeGreaterThanOrEqual(3);
  expect(new Set(kinds)).toEqual(new Set([R_X86_64_64]));
});
