/** @file What `npm run bench:serve` writes for those who read it by machine. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';

const figure = z.number().positive();
const rowsSchema = z.object({
  rows: z.array(
    z.object({
      case: z.string().min(1),
      transport: z.enum(['rest', 'grpc']),
      clients: z.int(),
      ours_rps: figure,
      peer: z.literal('none'),
      peer_rps: z.null(),
      ours_p50_ms: figure,
      ours_p99_ms: figure,
      ours_p999_ms: figure,
      peer_p99_ms: z.null(),
    }),
  ),
});

test('a row for each case, transport and number of clients, with the figures of ours', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'adjoint-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rows.json');
  const pace = ['--rounds', '1', '--seconds', '0.1', '--connections', '1,3', '--peers', 'none'];
  const env = { ...process.env, ADJOINT_CODE_CACHE: 'off' };
  const run = spawnSync(process.execPath, ['bench/serve/main.ts', ...pace, '--json', file], { encoding: 'utf8', env });
  expect(run.status, run.stderr).toBe(0);
  const { rows } = rowsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const measured = rows.map((row) => `${row.case}, ${row.transport}, ${row.clients}`);
  expect(new Set(measured).size).toBe(2 * 2 * 2);
  expect(rows).toHaveLength(8);
});
