/** @file Runs before every test file: what a test prints is either a forgotten trace or a message nobody asserts, so it fails. */
import { afterAll, afterEach } from 'vitest';

const printed: string[] = [];

for (const method of ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const) {
  // Recorded rather than thrown at the call, where the code under test could catch it.
  console[method] = (...args: unknown[]): void => {
    printed.push(
      `console.${method}(${args.map(String).join(', ')})${new Error().stack?.replace(/^Error:? ?/, '') ?? ''}`,
    );
  };
}

function failIfPrinted(): void {
  const lines = printed.splice(0);
  if (lines.length > 0) throw new Error(`A test must not print:\n${lines.join('\n')}`);
}

afterEach(failIfPrinted);
// For what is printed while a file loads or by its own afterAll.
afterAll(failIfPrinted);
