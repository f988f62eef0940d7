/** A folder of compiled code does not grow without end. */
import { existsSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openNative } from '../../engine/backends/native/native.ts';
import { NATIVE } from '../laws/run.ts';

test.skipIf(!NATIVE)(`the oldest files are removed${NATIVE ? '' : ' (no libLLVM)'}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-code-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [old, recent] = [join(folder, 'old'), join(folder, 'recent')];
  for (const [path, seconds] of [
    [old, 1000],
    [recent, 2000],
  ] as const) {
    writeFileSync(path, '');
    // Without blocks on the disk.
    truncateSync(path, 2 ** 28 + 1);
    utimesSync(path, seconds, seconds);
  }
  openNative({ threads: 1, cache: folder });
  await expect.poll(() => existsSync(old), { timeout: 10_000 }).toBe(false);
  expect(existsSync(recent)).toBe(true);
});
