/** @file Arrays so large that their memory is given back when a request is over: nothing that is kept may lie in it. */
import { expect, test } from 'vitest';
import { binaryBody } from '../../bench/connection.ts';
import { type Serving, serve } from './service.ts';

const SIZE = 2 ** 17;

/** d/dx sum(c x²) = 2 c x, with a constant that comes with the graph. */
function ask(service: Serving, factor: number, x: Float32Array): Promise<Float32Array> {
  const tensor = { dtype: 'float32', shape: [SIZE], binary_data_size: 4 * SIZE };
  const graph = {
    inputs: { x: {} },
    constants: { c: tensor },
    nodes: [
      { name: 'square', op: 'mul', inputs: ['x', 'x'] },
      { name: 'scaled', op: 'mul', inputs: ['square', 'c'] },
      { name: 'loss', op: 'sum', inputs: ['scaled'] },
    ],
    outputs: ['loss'],
  };
  const json = { graph, values: { x: tensor }, sources: ['x'], options: { encoding: 'binary' } };
  return bytesOf(service, '/v1/gradient', json, [new Float32Array(SIZE).fill(factor), x]);
}

async function bytesOf(service: Serving, path: string, json: object, arrays: Float32Array[]): Promise<Float32Array> {
  const { body, headers } = binaryBody(json, arrays);
  const response = await fetch(service.url + path, { method: 'POST', headers, body: new Uint8Array(body) });
  const bytes = await response.arrayBuffer();
  expect([response.status, response.ok || Buffer.from(bytes).toString()]).toEqual([200, true]);
  return new Float32Array(bytes.slice(bytes.byteLength - 4 * SIZE));
}

function numbers(round: number): Float32Array {
  return Float32Array.from({ length: SIZE }, (_, i) => (i % 1000) + round);
}

test('gradients are right while their memory is used again, and a remembered graph has its constants', async () => {
  const service = await serve({});
  const round = async (n: number): Promise<void> => {
    const factor = 1 + (n % 3);
    const x = numbers(n);
    const found = await ask(service, factor, x);
    // Not compared as lists: to describe how two of these differ takes minutes.
    expect(found.findIndex((element, i) => element !== 2 * factor * (x[i] as number))).toBe(-1);
  };
  await round(0);
  for (let n = 0; n < 6; n++) await Promise.all(Array.from({ length: 8 }, (_, i) => round(8 * n + i)));
});
