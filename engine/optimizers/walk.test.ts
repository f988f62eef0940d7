import { expect, test } from 'vitest';
import { UNLIMITED } from '../backends/backend.ts';
import { openNative } from '../backends/native/native.ts';
import { createEngine } from '../engine.ts';
import { add } from '../ops/add.ts';
import { Builder } from '../program/builder.ts';
import { runnerOf } from './walk.ts';

const backend = openNative();

test.skipIf(backend === undefined)('what shares its storage with something kept is not given back', async () => {
  const engine = createEngine({ backend: backend! });
  const type = { dtype: 'float32', shape: [100_000] } as const;
  const b = new Builder();
  const x = b.input(type);
  // The second output is the input itself.
  const executable = engine.compile(b.build([add(b, x, b.full(1, type)), x]));
  const runner = runnerOf([executable], UNLIMITED, []);
  const [first] = await runner.run(executable, [new Float32Array(100_000)]);
  const [second, same] = await runner.run(executable, [first!.data]);
  expect(same?.data.buffer).toBe(first?.data.buffer);
  runner.release([first!], [same!]);
  const third = await runner.run(executable, [second!.data]);
  expect(third[0]?.data[0]).toBe(3);
  expect(same?.data[0]).toBe(1);
  runner.release([first!]);
  const [fourth] = await runner.run(executable, [third[0]!.data]);
  expect(fourth?.data.buffer, 'given back at last').toBe(first?.data.buffer);
});
