/** @file The peers' Python environment, made on first use in a folder that git ignores. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../../.tmp/bench-venv', import.meta.url));
const PYTHON = `${FOLDER}/bin/python`;

/** The Python that has the peers' libraries; throws where they cannot be had. */
export function peersPython(): string {
  const recipe = ['requirements.txt', 'cuda_stand_in.py'].map((name) => readFileSync(HERE + name, 'utf8')).join('');
  const stamp = `${FOLDER}/adjoint-recipe`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === recipe) return PYTHON;
  process.stderr.write(`bench: installs JAX and PyTorch in ${FOLDER}, about 700 MB to download, 2 GB on disk\n`);
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  run('python3', '-m', 'venv', FOLDER);
  run(PYTHON, '-m', 'pip', 'install', '--quiet', '--no-deps', '-r', `${HERE}requirements.txt`);
  run(PYTHON, `${HERE}cuda_stand_in.py`);
  run(PYTHON, '-c', 'import jax, torch');
  writeFileSync(stamp, recipe);
  return PYTHON;
}

function run(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
