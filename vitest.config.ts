import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['engine', 'services', 'test', 'scripts'].map((folder) => `${folder}/**/*.test.ts`),
    setupFiles: ['test/setup.ts'],
    // Processes, not threads: a service under test takes signals and a native library may end its process.
    pool: 'forks',
    maxWorkers: 2,
    // Generous because two busy cores are slow, not because a test should take this long.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    restoreMocks: true,
    unstubEnvs: true,
  },
});
