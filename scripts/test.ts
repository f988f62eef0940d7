/**
 * @file Runs the whole suite, or the files named on the command line, and ends with one line of counts that a person
 * and a CI read alike: `N passed, M failed`, with `, K skipped` when tests were skipped.
 */
import { parseCLI, startVitest, type TestModule, type Vitest } from 'vitest/node';

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
  /** How many tests were skipped by the outermost name that they are under, which says why. */
  readonly reasons: Map<string, number>;
}

/** Counts every test; a file that could not be loaded, or a hook or stray rejection that failed, is a failure too. */
function count(vitest: Vitest): Counts {
  const failed = vitest.state.getUnhandledErrors().length;
  const counts: Counts = { passed: 0, failed, skipped: 0, reasons: new Map() };
  for (const module of vitest.state.getTestModules()) countModule(module, counts);
  return counts;
}

function countModule(module: TestModule, counts: Counts): void {
  let failedTests = 0;
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    if (state === 'passed') counts.passed++;
    else if (state === 'skipped') {
      counts.skipped++;
      const name = `${module.relativeModuleId}: ${test.fullName.split(' > ')[0]}`;
      counts.reasons.set(name, (counts.reasons.get(name) ?? 0) + 1);
    }
    // A test still pending after the run never reported: its worker died.
    else failedTests++;
  }
  // An error outside any test (an import, a beforeAll) fails the module though no test of it failed.
  if (failedTests === 0 && !module.ok()) failedTests = 1;
  counts.failed += failedTests;
}

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
let counts: Counts;
try {
  const vitest = await startVitest(filter, { ...options, watch: false });
  counts = count(vitest);
  await vitest.close();
} catch (error) {
  console.error(error);
  counts = { passed: 0, failed: 1, skipped: 0, reasons: new Map() };
}

const { passed, failed, skipped, reasons } = counts;
// With a pattern, what does not match it is skipped too, and needs no telling.
if (!options.testNamePattern) for (const [name, count] of reasons) console.log(`skipped ${count} of ${name}`);
if (passed + failed === 0) console.error('no test ran');
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
// Leave now: a test that left a handle open must not keep the runner from ending.
process.exit(failed > 0 || passed === 0 ? 1 : 0);
