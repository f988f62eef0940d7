/** @file Python environments for the peers, made on first use in a folder that git ignores. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** An environment. */
export interface Recipe {
  /** Its folder in `.tmp`. */
  readonly name: string;
  /** Files of exact versions, complete without dependencies. */
  readonly requirements: URL;
  /** A script to run in it once, after all is installed. */
  readonly script?: URL;
  /** What must import then. */
  readonly modules: readonly string[];
  /** What it costs whom, for the one who waits. */
  readonly size: string;
}

/** The Python of an environment; throws where it cannot be had. */
export function pythonOf({ name, requirements, script, modules, size }: Recipe): string {
  const folder = fileURLToPath(new URL(`../.tmp/${name}`, import.meta.url));
  const python = `${folder}/bin/python`;
  const stamp = `${folder}/adjoint-recipe`;
  const recipe = [requirements, ...(script ? [script] : [])].map((file) => readFileSync(file, 'utf8')).join('');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === recipe) return python;
  process.stderr.write(`bench: installs ${modules.join(', ')} in ${folder}, ${size}\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  run('python3', '-m', 'venv', folder);
  run(python, '-m', 'pip', 'install', '--quiet', '--no-deps', '-r', fileURLToPath(requirements));
  if (script) run(python, fileURLToPath(script));
  run(python, '-c', `import ${modules.join(', ')}`);
  writeFileSync(stamp, recipe);
  return python;
}

/** The environment variables of a peer: without those that are settings for the engine's libraries on this machine. */
export function peersEnvironment(): NodeJS.ProcessEnv {
  const { OPENBLAS_CORETYPE: _, OPENBLAS_L2_SIZE: __, ...environment } = process.env;
  return environment;
}

function run(file: string, ...args: string[]): void {
  execFileSync(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
