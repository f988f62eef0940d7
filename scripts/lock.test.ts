import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

interface Entry {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, Entry>;
};
const entries = Object.entries(lock.packages).filter(([path]) => path !== '');
const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const names = new Set(entries.map(([path]) => nameOf(path)));

describe('package-lock.json', () => {
  it('has a version and a hash for every package, and the address of none', () => {
    const wrong = entries.filter(([, entry]) => !entry.version || !entry.integrity || entry.resolved);
    expect(wrong.map(([path]) => path)).toEqual([]);
  });

  // npm drops a platform's package that it could not reach from the lock file without a word, and `npm ci` then fails.
  it('has an entry for the package of every platform', () => {
    const wanted = Object.values(lock.packages).flatMap((entry) => Object.keys(entry.optionalDependencies ?? {}));
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });

  it('has no install script that package.json does not rule on', () => {
    const scripted = entries.filter(([, entry]) => entry.hasInstallScript).map(([path]) => nameOf(path));
    expect(new Set(scripted)).toEqual(new Set(Object.keys(manifest.allowScripts)));
  });

  it('pins every direct dependency to one version', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    for (const version of Object.values({ ...dependencies, ...devDependencies, ...optionalDependencies })) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    }
  });
});
