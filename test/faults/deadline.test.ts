/** @file Deadlines that come while the engine is at work for a request, before anything runs. */
import { expect, test } from 'vitest';
import { portable } from '../../engine/backends/portable.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import { type Json, newSession, ok, type Reply, type Server, serve } from './harness.ts';

const LENGTH = 40_000;

/** A chain of sums and sines, whose derivative takes the compiler seconds. */
const LONG = {
  inputs: { x: { dtype: 'float32', shape: [] } },
  nodes: Array.from({ length: LENGTH }, (_, i) => ({
    name: `n${i}`,
    op: i % 2 === 0 ? 'add' : 'sin',
    inputs: i % 2 === 0 ? [i === 0 ? 'x' : `n${i - 1}`, 'x'] : [`n${i - 1}`],
  })),
  outputs: [`n${LENGTH - 1}`],
};

function engine(): Engine {
  return createEngine({ limits: DEFAULT_LIMITS, backend: portable });
}

function post(server: Server, path: string, body: Json, milliseconds?: number): Promise<Reply> {
  const headers = milliseconds === undefined ? undefined : { 'x-timeout-ms': String(milliseconds) };
  return server.send({ verb: 'POST', path, body, ...(headers && { headers }) });
}

/** The value and the derivative of the graph, by the rules of calculus. */
function expected(x: number): { readonly value: number; readonly derivative: number } {
  let [value, derivative] = [x, 1];
  for (let i = 0; i < LENGTH; i++)
    [value, derivative] = i % 2 === 0 ? [value + x, derivative + 1] : [Math.sin(value), Math.cos(value) * derivative];
  return { value, derivative };
}

const TARGET = `n${LENGTH - 1}`;

test('a derivative that takes seconds to build ends at the deadline, and is there for who can wait', {
  timeout: 120_000,
}, async () => {
  const server = serve(memoryStore(), { engine: engine() });
  const body = { graph: LONG, values: { x: 0.25 }, sources: ['x'] };
  for (const path of ['/v1/gradient', '/v1/hvp', '/v1/check']) {
    const asked =
      path === '/v1/check'
        ? { graph: LONG, sources: ['x'] }
        : path === '/v1/hvp'
          ? { graph: LONG, values: { x: 0.25 }, tangents: { x: 1 } }
          : body;
    const late = await post(server, path, asked, 50);
    expect([path, late.status, late.body.code]).toEqual([path, 504, 'deadline_exceeded']);
    // It is about the request, and no place in what was sent.
    expect(late.body).not.toHaveProperty('node');
    expect(late.body).not.toHaveProperty('pointer');
  }
  const { values, gradients, meta } = await ok(server, 'POST', '/v1/gradient', body);
  expect(meta.cached).toBe(false);
  const { value, derivative } = expected(0.25);
  expect(values[TARGET]).toBeCloseTo(value, 3);
  expect(gradients[0]).toBeCloseTo(derivative, 3);
  // It is remembered as ever.
  const again = await post(server, '/v1/gradient', body);
  expect([again.status, again.body.meta.cached]).toEqual([200, true]);
});

test('those who came later are answered before the work that was given up would have been done', {
  timeout: 120_000,
}, async () => {
  const server = serve(memoryStore(), { engine: engine() });
  const order: string[] = [];
  const note = (name: string) => (reply: Reply) => {
    order.push(`${name} ${reply.status}`);
  };
  const long = { graph: LONG, values: { x: 0.25 }, sources: ['x'] };
  const small = { graph: 'y = x * x', values: { x: 3 }, sources: ['x'] };
  await Promise.all([
    post(server, '/v1/gradient', long, 50).then(note('late')),
    post(server, '/v1/gradient', small).then(note('small')),
    post(server, '/v1/gradient', long).then(note('patient')),
  ]);
  expect(order.at(-1)).toBe('patient 200');
  expect(order.slice(0, 2).sort()).toEqual(['late 504', 'small 200']);
});

test('a recording that ends at its deadline leaves the tape as it was', { timeout: 120_000 }, async () => {
  const server = serve(memoryStore(), { engine: engine() });
  const session = await newSession(server);
  await ok(server, 'POST', `${session}/tapes`, { tape: 't', values: { x: 0.25 }, watch: ['x'], persistent: true });
  const before = await ok(server, 'GET', `${session}/tapes/t`);
  const late = await post(server, `${session}/tapes/t/record`, { graph: LONG }, 50);
  expect([late.status, late.body.code]).toEqual([504, 'deadline_exceeded']);
  expect(await ok(server, 'GET', `${session}/tapes/t`)).toEqual(before);
  await ok(server, 'POST', `${session}/tapes/t/record`, { graph: LONG });
  const asked = { targets: TARGET, sources: ['x'] };
  const hurried = await post(server, `${session}/tapes/t/gradient`, asked, 50);
  expect([hurried.status, hurried.body.code]).toEqual([504, 'deadline_exceeded']);
  const { gradients } = await ok(server, 'POST', `${session}/tapes/t/gradient`, asked);
  expect(gradients[0]).toBeCloseTo(expected(0.25).derivative, 3);
});
