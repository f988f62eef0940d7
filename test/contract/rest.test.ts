import fc from 'fast-check';
// biome-ignore lint/style/noRestrictedImports: this test reads what is logged.
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { ERRORS } from '../../engine/errors.ts';
import { JSON_LIMITS } from '../../services/api/limits.ts';
import { findExcess } from '../../services/rest/json.ts';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Store } from '../../services/sessions/store.ts';
import { type TestApp, testApp } from './rest-harness.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

function post(app: TestApp, body: unknown, url = '/v1/echo', headers: Record<string, string> = {}) {
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return app.inject({ method: 'POST', url, payload, headers: { ...JSON_TYPE, ...headers } });
}

describe('answers', () => {
  test.each([
    ['nested', '{"x":[[1,-0],["NaN","-Infinity"]],"b":true}'],
    [
      'flat',
      '{"x":{"dtype":"float64","shape":[2,2],"data":[1,-0,"NaN","-Infinity"]},"b":{"dtype":"bool","shape":[],"data":[true]}}',
    ],
    [
      'base64',
      '{"x":{"dtype":"float64","shape":[2,2],"base64":"AAAAAAAA8D8AAAAAAAAAgAAAAAAAAPh/AAAAAAAA8P8="},"b":{"dtype":"bool","shape":[],"base64":"AQ=="}}',
    ],
  ])('in the encoding %s', async (encoding, values) => {
    const body = `{"values":{"x":[[1,-0],["NaN","-Infinity"]],"b":true},"options":{"encoding":"${encoding}"}}`;
    const reply = await post(testApp(), body);
    expect(reply.statusCode).toBe(200);
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(reply.body).toBe(`{"values":${values},"meta":{"timing":{"parse":0.25,"forward":1.23456}}}`);
    expect(reply.headers['server-timing']).toBe('parse;dur=0.25, forward;dur=1.235');
  });

  test('a float32 prints as its shortest decimal', async () => {
    const reply = await post(testApp(), { values: { x: { dtype: 'float32', data: [0.1, 1e-45] } } });
    expect(reply.body).toContain('{"x":[0.1,1e-45]}');
  });

  test('the path and the query are the request of a GET', async () => {
    const reply = await testApp().inject('/v1/who/me?times=2');
    expect(reply.json()).toEqual({ name: 'me', times: 2, tenant: 'local' });
  });

  test('HEAD answers without a body', async () => {
    const reply = await testApp().inject({ method: 'HEAD', url: '/v1/who/me' });
    expect(reply.statusCode).toBe(200);
    expect(reply.body).toBe('');
  });

  test('OPTIONS says which verbs a path takes', async () => {
    const reply = await testApp().inject({ method: 'OPTIONS', url: '/v1/who/me' });
    expect(reply.statusCode).toBe(204);
    expect(reply.headers.allow).toBe('GET, HEAD, OPTIONS');
  });
});

describe('request ids', () => {
  test.each([
    ['a usual one', 'abc-1.2:3_X', true],
    ['64 characters', 'a'.repeat(64), true],
    ['65 characters', 'a'.repeat(65), false],
    ['a space', 'a b', false],
    ['markup', '<script>', false],
  ])('%s', async (_, id, kept) => {
    const reply = await post(testApp(), {}, '/v1/echo', { 'x-request-id': id });
    if (kept) expect(reply.headers['x-request-id']).toBe(id);
    else expect(reply.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('an error reply names its request, and the log has it too', async () => {
    const lines: Record<string, unknown>[] = [];
    const log = pino({ level: 'info' }, { write: (line: string) => lines.push(JSON.parse(line)) });
    const reply = await post(testApp({ log }), { how: 'stranger' }, '/v1/fault', { 'x-request-id': 'r1' });
    expect(reply.json()).toMatchObject({ instance: 'r1' });
    expect(lines).toMatchObject([
      { request: 'r1', err: { type: 'TypeError' } },
      { request: 'r1', method: 'POST', route: '/v1/fault', status: 500 },
    ]);
  });
});

describe('problems', () => {
  test('an error of the engine is told in full', async () => {
    const reply = await post(testApp(), { how: 'cost' }, '/v1/fault', { 'x-request-id': 'r1' });
    expect(reply.statusCode).toBe(422);
    expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(reply.json()).toEqual({
      type: '/errors/cost_exceeded',
      title: ERRORS.cost_exceeded.title,
      status: 422,
      detail: `'y' needs 3 GB`,
      instance: 'r1',
      code: 'cost_exceeded',
      node: 'y',
      op: 'matmul',
      pointer: '/graph/nodes/1',
    });
  });

  test.each(['stranger', 'async'])('T34: a stranger (%s) tells nothing', async (how) => {
    const reply = await post(testApp(), { how }, '/v1/fault');
    expect(reply.statusCode).toBe(500);
    expect(reply.json()).toMatchObject({ code: 'internal', detail: ERRORS.internal.title });
    expect(reply.body).not.toMatch(/rest-harness|node:internal|cannot read|stack|\.ts/);
  });

  test.each([
    ['not an object', 5, '', `'request' is 5, expected an object`],
    ['a list', [], '', `'request' is a list of 0, expected an object`],
    ['null', null, '', `'request' is null, expected an object`],
    ['an unknown field', { valeus: {} }, '/valeus', `'valeus' is not a known field. Did you mean 'values'?`],
    [
      'an unknown field within',
      { options: { encodign: 'flat' } },
      '/options/encodign',
      `'options.encodign' is not a known field. Did you mean 'encoding'?`,
    ],
    [
      'an unknown field in a union',
      { graph: { nodes: [{ op: 'a', rnak: 1 }] } },
      '/graph/nodes/0/rnak',
      `'graph.nodes[0].rnak' is not a known field. Did you mean 'rank'?`,
    ],
    [
      'a missing field in a union',
      { graph: { nodes: [{}] } },
      '/graph/nodes/0/op',
      `'graph.nodes[0].op' is missing, expected a string`,
    ],
    ['no alternative of a union', { graph: 3 }, '/graph', `'graph' is 3, expected a string or an object`],
    [
      'the nearest alternative of a union',
      { graph: { di: 'x' } },
      '/graph/id',
      `'graph.id' is missing, expected a string`,
    ],
    [
      'a wrong word',
      { device: 'cpuu' },
      '/device',
      `'device' is "cpuu", expected 'auto' or 'cpu' or 'gpu'. Did you mean 'cpu'?`,
    ],
    [
      'a wrong kind',
      { options: { timeout_ms: '5' } },
      '/options/timeout_ms',
      `'options.timeout_ms' is "5", expected a number`,
    ],
    [
      'over a bound',
      { options: { timeout_ms: 300_001 } },
      '/options/timeout_ms',
      `'options.timeout_ms' is 300001, expected at most 300000`,
    ],
    ['a bad name', { values: { 'a/~b': 1 } }, '/values/a~1~0b', `the name 'a/~b' must be letters, digits and _`],
    [
      'a bad tensor',
      { values: { x: [[1], [2, 3]] } },
      '/values/x/1',
      `'x'[1] has 2 elements, expected 1 like the lists before it`,
    ],
  ])('%s', async (_, body, pointer, detail) => {
    const reply = await post(testApp(), body);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ pointer, detail });
  });

  test('several faults are all listed, and a hundred thousand are not', async () => {
    const two = await post(testApp(), { device: 1, options: { encoding: 'x' } });
    expect(two.json().errors.map((error: { pointer: string }) => error.pointer)).toEqual([
      '/device',
      '/options/encoding',
    ]);
    const many = await post(testApp(), { graph: { nodes: Array(100_000).fill({}) } });
    expect(many.statusCode).toBe(400);
    expect(many.json().errors).toHaveLength(20);
  });

  test.each([
    ['POST', '/v1/ecko', 404, 'not_found', `there is nothing at this path. Did you mean '/v1/echo'?`],
    ['GET', '/nowhere/at/all', 404, 'not_found', 'there is nothing at this path.'],
    ['GET', '/docs/../../package.json', 404, 'not_found', 'there is nothing at this path.'],
    ['GET', '/docs/absolute-path.js', 404, 'not_found', 'there is nothing at this path.'],
    ['GET', '/v1/echo', 405, 'method_not_allowed', 'this path takes POST, not GET'],
    ['DELETE', '/v1/who/me', 405, 'method_not_allowed', 'this path takes GET and HEAD, not DELETE'],
    ['PUT', '/healthz', 405, 'method_not_allowed', 'this path takes GET and HEAD, not PUT'],
    ['GET', '/v1/who/%', 400, 'invalid_request', 'the path is not valid percent-encoded UTF-8'],
    ['GET', `/v1/who/${'a'.repeat(101)}`, 404, 'not_found', 'the path has a segment too long to name anything'],
  ] as const)('%s %s is %i', async (verb, url, status, code, detail) => {
    const reply = await testApp().inject({ method: verb, url });
    expect(reply.statusCode).toBe(status);
    expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(reply.headers['x-request-id']).toBeDefined();
    expect(reply.json().code).toBe(code);
    expect(reply.json().detail).toContain(detail);
    if (status === 405) expect(reply.headers.allow).toMatch(/POST|GET/);
  });

  test('every code is described where its type points', async () => {
    const app = testApp();
    for (const code of [...Object.keys(ERRORS), 'unauthenticated']) {
      const reply = await app.inject(`/errors/${code}`);
      expect(reply.json()).toMatchObject({ type: `/errors/${code}`, code });
    }
  });
});

describe('bodies', () => {
  test.each([
    ['empty', '', 'the body is empty'],
    ['not JSON', '{"a":', 'JSON'],
    ['NaN', '{"values":{"x":NaN}}', 'JSON'],
    ['trailing text', '{} {}', 'JSON'],
    ['a byte order mark', '\ufeff{}', 'JSON'],
    ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]), 'not UTF-8'],
    ['unpaired brackets', `${']'.repeat(100)}`, 'JSON'],
    ['an open string', '{"a', 'JSON'],
    ['a long open string', `{"${'a'.repeat(1000)}`, 'JSON'],
  ])('%s', async (_, body, detail) => {
    const reply = await post(testApp(), body);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ code: 'invalid_json', detail: expect.stringContaining(detail) });
  });

  test.each([
    [31, 200],
    [32, 200],
    [33, 400],
    [100_000, 400],
  ])('T6: nesting %i deep is %i', async (depth, status) => {
    const app = testApp();
    // The two levels around it belong to the depth; a tensor may be only 8 deep, so the lists hide in a field of it.
    const lists = '['.repeat(depth - 2) + ']'.repeat(depth - 2);
    const reply = await post(app, `{"values":{"x":${lists}}}`);
    if (status === 200) expect(reply.json().detail).toBe(`'x' has at least 9 dimensions; the limit 'rank' is 8`);
    else
      expect(reply.json()).toMatchObject({
        code: 'invalid_json',
        detail: 'the body nests more than 32 lists and objects',
      });
    expect((await post(app, { values: { x: 1 } })).statusCode).toBe(200);
  });

  test.each([
    ['objects', (n: number) => `[${'{},'.repeat(n - 1)}{}]`, 'the body has more than 524288 objects'],
    [
      'members',
      (n: number) => `{${Array.from({ length: n }, (_, i) => `"${i}":0`)}}`,
      'an object in the body has more than 65536 members',
    ],
  ] as const)('%s up to the limit pass, one more is refused', async (name, bodyOf, detail) => {
    const app = testApp();
    const limit = JSON_LIMITS[name];
    expect((await post(app, bodyOf(limit))).json().code).toBe('invalid_request');
    expect((await post(app, bodyOf(limit + 1))).json()).toMatchObject({ status: 400, code: 'invalid_json', detail });
  });

  test('brackets within strings do not count', async () => {
    const text = `${'[{'.repeat(100)}\\"${'['.repeat(100)}`;
    const reply = await post(testApp(), `{"graph":"${text}","values":{}}`);
    expect(reply.statusCode).toBe(200);
    const long = await post(testApp(), `{"graph":"${'[\\\\'.repeat(1000)}${'['.repeat(1000)}"}`);
    expect(long.statusCode).toBe(200);
  });

  test.each([
    ['__proto__', '{"values":{"__proto__":{"dtype":"evil"}}}', '/values/__proto__'],
    ['an escaped one', '{"\\u005f_proto__":1}', '/__proto__'],
    ['constructor.prototype', '{"values":{"x":{"constructor":{"prototype":{}}}}}', '/values/x/constructor'],
    ['one in a list', '{"a":[{"b":{"__proto__":0}}]}', '/a/0/b/__proto__'],
  ])('T13: %s is refused', async (_, body, pointer) => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    const reply = await post(testApp(), body);
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ code: 'invalid_request', pointer });
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  });

  test('T13: the word itself is an ordinary value', async () => {
    expect((await post(testApp(), { graph: '__proto__ "constructor" \u0001' })).statusCode).toBe(200);
  });

  test('T14: 1e999 is refused, a subnormal and -0 are kept', async () => {
    const app = testApp();
    const reply = await post(app, '{"values":{"x":[1e999]}}');
    expect(reply.json()).toMatchObject({ status: 400, detail: `'x'[0] is too large for a float64; send "Infinity"` });
    expect((await post(app, '{"values":{"x":[5e-324,-0,"Infinity"]}}')).body).toContain('[5e-324,-0,"Infinity"]');
  });

  test('the last of two equal keys wins', async () => {
    expect((await post(testApp(), '{"values":{"x":1,"x":2}}')).body).toContain('{"x":2}');
  });

  test.each([
    [undefined, 415],
    ['application/json', 200],
    ['Application/JSON', 200],
    ['application/json; charset=utf-8', 200],
    ['application/json;charset=UTF-8', 200],
    ['application/json\ta', 415],
    ['application/json garbage', 415],
    ['application/json;x', 415],
    ['application/json; charset=latin1', 415],
    ['text/plain', 415],
    ['application/octet-stream', 415],
    ['', 415],
  ])('T29: content type %s is %i', async (type, status) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    const reply = await testApp().inject({ method: 'POST', url: '/v1/echo', payload: Buffer.from('{}'), headers });
    expect(reply.statusCode).toBe(status);
    if (status === 415) expect(reply.json().code).toBe('unsupported_media_type');
  });

  test('T16: a compressed body is 415', async () => {
    expect((await post(testApp(), '{}', '/v1/echo', { 'content-encoding': 'gzip' })).statusCode).toBe(415);
    expect((await post(testApp(), '{}', '/v1/echo', { 'content-encoding': 'identity' })).statusCode).toBe(200);
  });

  test('a body at the limit is read and one byte more is 413', async () => {
    const app = testApp({ environment: { ADJOINT_BODY_LIMIT: '2048' } });
    expect((await post(app, '{}'.padEnd(2048))).statusCode).toBe(200);
    const reply = await post(app, '{}'.padEnd(2049));
    expect(reply.statusCode).toBe(413);
    expect(reply.json()).toMatchObject({ code: 'body_too_large', detail: 'the body is over 2048 bytes' });
  });
});

describe('API keys', () => {
  const environment = { ADJOINT_API_KEYS: 'red:aaaaaaaaaaaaaaaa,blue:bbbbbbbbbbbbbbbb' };

  test.each([
    ['Bearer aaaaaaaaaaaaaaaa', 'red'],
    ['bearer bbbbbbbbbbbbbbbb', 'blue'],
  ])('%s', async (authorization, tenant) => {
    const reply = await testApp({ environment }).inject({ url: '/v1/who/me', headers: { authorization } });
    expect(reply.json().tenant).toBe(tenant);
  });

  test.each([undefined, '', 'Bearer ', 'Bearer cccccccccccccccc', 'Basic YTpi', 'Bearer aaaaaaaaaaaaaaaa x'])(
    '%s is 401',
    async (authorization) => {
      const headers = authorization === undefined ? {} : { authorization };
      const reply = await testApp({ environment }).inject({ url: '/v1/who/me', headers });
      expect(reply.statusCode).toBe(401);
      expect(reply.headers['www-authenticate']).toBe('Bearer');
      expect(reply.json().code).toBe('unauthenticated');
    },
  );

  test('T28: nothing but health and documentation answers without a key', async () => {
    const app = testApp({ environment });
    await app.ready();
    const open = /^\/($|healthz|readyz|openapi\.json|docs|errors\/)/;
    const urls = [...app.printRoutes({ commonPrefix: false }).matchAll(/(\/\S*) \(/g)].map(([, url]) => url as string);
    expect(urls.length).toBeGreaterThan(8);
    for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'PROPFIND'] as const) {
      for (const url of ['/v1/echo', '/v1/fault', '/v1/wait', '/v1/who/me', '/v1/nothing', '//v1/echo', ...urls]) {
        const reply = await app.inject({ method: method as 'GET', url });
        if (open.test(url) && method === 'GET') expect(reply.statusCode, url).toBeLessThan(400);
        else expect(reply.statusCode, `${method} ${url}`).toBe(401);
      }
    }
  });
});

describe('health', () => {
  test('a store that cannot be written to makes the service unready, and is asked once a second at most', async () => {
    let asked = 0;
    const store: Store = {
      ...memoryStore(),
      isWritable: async () => {
        asked++;
        return false;
      },
    };
    const app = testApp({ store });
    const replies = await Promise.all([app.inject('/readyz'), app.inject('/readyz')]);
    for (const reply of replies) {
      expect(reply.statusCode).toBe(503);
      expect(reply.json()).toMatchObject({ status: 'store_not_writable' });
    }
    expect(asked).toBe(1);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
  });

  test('readiness follows the state of the service', async () => {
    let ready = false;
    const app = testApp({ ready: () => ready });
    expect((await app.inject('/readyz')).statusCode).toBe(503);
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    ready = true;
    const reply = await app.inject('/readyz');
    expect([reply.statusCode, reply.json()]).toMatchObject([200, { status: 'ready', devices: [{ device: 'cpu' }] }]);
  });
});

describe('the structure of JSON text', () => {
  /** The depth by the parser, for text that it takes. */
  function depthOf(json: unknown): number {
    if (typeof json !== 'object' || json === null) return 0;
    return 1 + Math.max(0, ...Object.values(json).map(depthOf));
  }

  /** The objects in all, and the members of the largest. */
  function countsOf(json: unknown): [number, number] {
    if (typeof json !== 'object' || json === null) return [0, 0];
    const own: [number, number] = Array.isArray(json) ? [0, 0] : [1, Object.keys(json).length];
    return Object.values(json)
      .map(countsOf)
      .reduce((sum, [objects, members]) => [sum[0] + objects, Math.max(sum[1], members)], own);
  }

  test('is what the parser finds, wherever the text begins in memory', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8, depthSize: 'max' }), fc.nat(3), fc.boolean(), (text, offset, spaced) => {
        const written = spaced ? JSON.stringify(JSON.parse(text), null, 1) : text;
        const padded = Buffer.from(' '.repeat(offset) + written);
        const body = padded.subarray(offset);
        const depth = depthOf(JSON.parse(text));
        expect(findExcess(body, { ...JSON_LIMITS, depth })).toBeUndefined();
        if (depth > 0) expect(findExcess(body, { ...JSON_LIMITS, depth: depth - 1 })).toContain('nests');
        const [objects, members] = countsOf(JSON.parse(text));
        expect(findExcess(body, { depth, objects, members })).toBeUndefined();
        if (objects > 0) expect(findExcess(body, { depth, objects: objects - 1, members })).toContain('objects');
        if (members > 0) expect(findExcess(body, { depth, objects, members: members - 1 })).toContain('members');
      }),
      { numRuns: 1000 },
    );
  });
});
