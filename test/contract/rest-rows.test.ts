/** @file Every kind of row of the method table over HTTP: verbs, versions, raw content, what was made. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { EngineError } from '../../engine/errors.ts';
import { decodeTensor } from '../../engine/formats/tensor.ts';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { type Method, method } from '../../services/api/method.ts';
import { versionSchema } from '../../services/api/sessions/schemas.ts';
import { openApiDocument } from '../../services/rest/openapi.ts';
import { type TestApp, testApp } from './rest-harness.ts';

interface Item {
  readonly version: number;
  readonly data: Float64Array;
}

/** Named lists of numbers with versions, and one file. */
function shelf(): readonly Method[] {
  const items = new Map<string, Item>();
  let file: Uint8Array = new Uint8Array();
  const at = (name: string): Item => {
    const item = items.get(name);
    if (item === undefined) throw new EngineError('not_found', `there is no '${name}'`);
    return item;
  };
  const check = (name: string, version: number | '*' | undefined): number => {
    const item = items.get(name);
    if (version === undefined && item !== undefined) throw new EngineError('version_required', 'say which');
    if (version !== undefined && (version === '*' ? item === undefined : version !== (item?.version ?? 0)))
      throw new EngineError('version_mismatch', `'${name}' has another version`);
    return (item?.version ?? 0) + 1;
  };
  const put = (name: string, value: unknown, version: number): { item: { name: string; version: number } } => {
    const { data } = decodeTensor(value, {}, DEFAULT_LIMITS);
    items.set(name, { version, data: Float64Array.from(data as Float64Array) });
    return { item: { name, version } };
  };
  const named = z.object({ item: z.object({ name: z.string(), version: z.number() }) });
  const version = ({ item }: z.output<typeof named>): number => item.version;
  const row = { summary: 'A row.', examples: [] };
  return [
    method({
      ...row,
      name: 'CreateItem',
      verb: 'POST',
      path: '/v1/items',
      request: z.strictObject({ value: z.unknown().optional() }),
      response: named,
      created: ({ item }) => `/v1/items/${item.name}`,
      handle: ({ value }) => put(`item${items.size}`, value ?? 0, 1),
    }),
    method({
      ...row,
      name: 'GetItem',
      verb: 'GET',
      path: '/v1/items/{name}',
      request: z.strictObject({
        name: z.string(),
        encoding: z.enum(['nested', 'flat', 'base64', 'binary']).optional(),
      }),
      response: named.extend({ value: z.unknown() }),
      version,
      handle: ({ name }) => {
        const { version, data } = at(name);
        return { item: { name, version }, value: { type: { dtype: 'float64', shape: [data.length] }, data } };
      },
    }),
    method({
      ...row,
      name: 'PutItem',
      verb: 'PUT',
      path: '/v1/items/{name}',
      request: z.strictObject({ name: z.string(), value: z.unknown(), version: versionSchema.optional() }),
      response: named,
      version,
      handle: ({ name, value, version }) => put(name, value, check(name, version)),
    }),
    method({
      ...row,
      name: 'PatchItems',
      verb: 'PATCH',
      path: '/v1/items',
      request: z.strictObject({ values: z.record(z.string(), z.unknown()) }),
      response: z.object({ names: z.array(z.string()) }),
      handle: ({ values }) => {
        for (const [name, value] of Object.entries(values)) put(name, value, at(name).version + 1);
        return { names: Object.keys(values) };
      },
    }),
    method({
      ...row,
      name: 'DeleteItem',
      verb: 'DELETE',
      path: '/v1/items/{name}',
      request: z.strictObject({
        name: z.string(),
        version: versionSchema.optional(),
      }),
      response: z.object({}),
      handle: ({ name, version }) => {
        at(name);
        check(name, version ?? '*');
        items.delete(name);
        return {};
      },
    }),
    method({
      ...row,
      name: 'TouchItem',
      verb: 'POST',
      path: '/v1/items/{name}/touch',
      request: z.strictObject({ name: z.string() }),
      response: z.object({ name: z.string() }),
      handle: ({ name }) => ({ name }),
    }),
    method({
      ...row,
      name: 'PutFile',
      verb: 'PUT',
      path: '/v1/files/{name}',
      request: z.strictObject({
        name: z.string(),
        content: z.instanceof(Uint8Array),
        note: z.string().max(10).optional(),
      }),
      response: z.object({ bytes: z.number(), note: z.string().optional() }),
      content: { of: 'request', type: 'application/x-file' },
      handle: ({ content, note }) => {
        file = Uint8Array.from(content);
        return { bytes: file.length, note };
      },
    }),
    method({
      ...row,
      name: 'GetFile',
      verb: 'GET',
      path: '/v1/files/{name}',
      request: z.strictObject({ name: z.string(), names: z.union([z.string(), z.array(z.string())]).optional() }),
      response: z.object({ content: z.unknown() }),
      content: { of: 'response', type: 'application/x-file' },
      handle: () => ({ content: file.subarray(1) }),
    }),
    method({
      ...row,
      name: 'Begin',
      verb: 'POST',
      path: '/v1/begin',
      request: z.strictObject({}),
      response: z.object({}),
      accepted: () => '/v1/operations/op1',
      handle: () => ({}),
    }),
  ];
}

type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';

function send(app: TestApp, verb: Verb, url: string, payload?: unknown, headers: Record<string, string> = {}) {
  if (payload === undefined) return app.inject({ method: verb, url, headers });
  return app.inject({ method: verb, url, payload: payload as object, headers });
}

function shelfApp(): TestApp {
  return testApp({ methods: shelf() });
}

describe('verbs', () => {
  test('what is made has a place: 201 and Location', async () => {
    const app = shelfApp();
    const reply = await send(app, 'POST', '/v1/items', { value: [1, 2] });
    expect([reply.statusCode, reply.headers.location]).toEqual([201, '/v1/items/item0']);
    expect((await send(app, 'GET', '/v1/items/item0')).json()).toEqual({
      item: { name: 'item0', version: 1 },
      value: [1, 2],
    });
  });

  test('what goes on afterwards has a place: 202 and Location', async () => {
    const reply = await send(shelfApp(), 'POST', '/v1/begin');
    expect([reply.statusCode, reply.headers.location]).toEqual([202, '/v1/operations/op1']);
  });

  test('PUT, PATCH and DELETE', async () => {
    const app = shelfApp();
    expect((await send(app, 'PUT', '/v1/items/a', { value: [1] })).json()).toEqual({ item: { name: 'a', version: 1 } });
    expect((await send(app, 'PATCH', '/v1/items', { values: { a: [5] } })).json()).toEqual({ names: ['a'] });
    expect((await send(app, 'GET', '/v1/items/a')).json().value).toEqual([5]);
    expect((await send(app, 'DELETE', '/v1/items/a')).json()).toEqual({});
    expect((await send(app, 'DELETE', '/v1/items/a')).statusCode).toBe(404);
    expect((await send(app, 'POST', '/v1/items/a')).json()).toMatchObject({ status: 405 });
  });

  test('PUT takes raw tensors too', async () => {
    const app = shelfApp();
    const json = '{"value":{"dtype":"float64","shape":[1],"binary_data_size":8}}';
    const body = Buffer.concat([Buffer.from(json), Buffer.from(new Float64Array([Math.PI]).buffer)]);
    const headers = {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(json.length),
    };
    expect((await send(app, 'PUT', '/v1/items/pi', body, headers)).statusCode).toBe(200);
    expect((await send(app, 'GET', '/v1/items/pi')).json().value).toEqual([Math.PI]);
  });

  test.each<[string, Verb, unknown, Record<string, string>, number]>([
    ['no body where none is due', 'POST', undefined, {}, 200],
    ['an empty object where none is due', 'POST', {}, {}, 200],
    ['a field where none is due', 'POST', { x: 1 }, {}, 400],
    ['a body without a type', 'POST', Buffer.from('{}'), {}, 415],
    ['a list', 'POST', [1], {}, 400],
    ['null', 'POST', Buffer.from('null'), { 'content-type': 'application/json' }, 400],
  ])('%s', async (_, verb, payload, headers, status) => {
    const app = shelfApp();
    const reply = await send(app, verb, '/v1/items/a/touch', payload, headers);
    expect([reply.statusCode, reply.json().name]).toEqual([status, status === 200 ? 'a' : undefined]);
  });

  test('a request without any body is an empty one where fields are due', async () => {
    const app = shelfApp();
    expect((await send(app, 'POST', '/v1/items')).statusCode).toBe(201);
    expect((await send(app, 'PATCH', '/v1/items')).json()).toMatchObject({ status: 400, pointer: '/values' });
  });

  test('a DELETE with a body is refused, one with only a type is not', async () => {
    const app = shelfApp();
    await send(app, 'PUT', '/v1/items/a', { value: 1 });
    expect((await send(app, 'DELETE', '/v1/items/a', { version: 7 })).json()).toMatchObject({
      status: 400,
      detail: expect.stringContaining('DELETE takes no body'),
    });
    const typed = { 'content-type': 'application/json' };
    expect((await send(app, 'DELETE', '/v1/items/a', undefined, typed)).statusCode).toBe(200);
  });

  test('the query is the fields of GET and DELETE', async () => {
    const app = shelfApp();
    await send(app, 'PUT', '/v1/items/a', { value: [1.5] });
    expect((await send(app, 'DELETE', '/v1/items/a?version=2')).statusCode).toBe(412);
    expect((await send(app, 'GET', '/v1/items/a?encoding=base64')).json().value).toEqual({
      dtype: 'float64',
      shape: [1],
      base64: 'AAAAAAAA+D8=',
    });
    const raw = await send(app, 'GET', '/v1/items/a?encoding=binary');
    expect(raw.headers['content-type']).toBe('application/octet-stream');
    expect(raw.rawPayload.subarray(-8)).toEqual(Buffer.from(new Float64Array([1.5]).buffer));
    for (const query of ['encoding=xml', 'encoding=flat&encoding=flat', 'colour=red', '__proto__=1', 'encoding'])
      expect((await send(app, 'GET', `/v1/items/a?${query}`)).statusCode, query).toBe(400);
    expect((await send(app, 'DELETE', '/v1/items/a?version=1')).statusCode).toBe(200);
  });
});

describe('versions', () => {
  async function withItem(): Promise<TestApp> {
    const app = shelfApp();
    const made = await send(app, 'PUT', '/v1/items/a', { value: 1 });
    expect(made.headers.etag).toBe('"1"');
    return app;
  }

  test.each<[string, Verb, Record<string, string>, unknown, number]>([
    ['PUT without a version', 'PUT', {}, { value: 2 }, 428],
    ['PUT of the version', 'PUT', { 'if-match': '"1"' }, { value: 2 }, 200],
    ['PUT of another version', 'PUT', { 'if-match': '"2"' }, { value: 2 }, 412],
    ['PUT of any version', 'PUT', { 'if-match': '*' }, { value: 2 }, 200],
    ['PUT with the version in the body', 'PUT', {}, { value: 2, version: 1 }, 200],
    ['PUT with any version in the body', 'PUT', {}, { value: 2, version: '*' }, 200],
    ['PUT with both alike', 'PUT', { 'if-match': '"1"' }, { value: 2, version: 1 }, 200],
    ['PUT with both unlike', 'PUT', { 'if-match': '"1"' }, { value: 2, version: 2 }, 400],
    ['DELETE of the version', 'DELETE', { 'if-match': '"1"' }, undefined, 200],
    ['DELETE of another version', 'DELETE', { 'if-match': '"2"' }, undefined, 412],
    ['DELETE of any version', 'DELETE', { 'if-match': '*' }, undefined, 200],
    ...[
      '1',
      '""',
      '"a"',
      '"1", "2"',
      'W/"1"',
      '"-1"',
      '"1.0"',
      '"1e0"',
      '*, "1"',
      '"1"x',
      '""1""',
      '"9007199254740993"',
    ].map((tag): [string, Verb, Record<string, string>, unknown, number] => [
      `the tag ${tag}`,
      'PUT',
      { 'if-match': tag },
      { value: 2 },
      400,
    ]),
  ])('%s', async (_, verb, headers, payload, status) => {
    const reply = await send(await withItem(), verb, '/v1/items/a', payload, headers);
    expect(reply.statusCode).toBe(status);
    if (status === 200 && verb === 'PUT') expect(reply.headers.etag).toBe('"2"');
  });

  test('* is no version: what is not there does not match, what nobody named is made', async () => {
    const app = shelfApp();
    expect((await send(app, 'PUT', '/v1/items/a', { value: 1 }, { 'if-match': '*' })).statusCode).toBe(412);
    expect((await send(app, 'PUT', '/v1/items/a', { value: 1 })).statusCode).toBe(200);
  });

  test('a method that looks at no version refuses If-Match', async () => {
    const reply = await send(await withItem(), 'POST', '/v1/items/a/touch', undefined, { 'if-match': '"1"' });
    expect(reply.json()).toMatchObject({ status: 400, detail: 'this method does not take the header If-Match' });
  });

  test.each([
    ['"1"', 304],
    ['W/"1"', 304],
    ['"0", "1"', 304],
    ['*', 304],
    ['"2"', 200],
    ['"11"', 200],
    ['1', 200],
    ['', 200],
    ['","'.repeat(3000), 200],
  ])('GET with If-None-Match: %.20s', async (tag, status) => {
    const app = await withItem();
    for (const verb of ['GET', 'HEAD'] as const) {
      const reply = await send(app, verb, '/v1/items/a', undefined, { 'if-none-match': tag });
      expect([reply.statusCode, reply.headers.etag]).toEqual([status, '"1"']);
      expect(reply.body === '').toBe(status === 304 || verb === 'HEAD');
    }
  });

  test('a conversation over one connection', async () => {
    const app = await withItem();
    const origin = await app.listen({ host: '127.0.0.1', port: 0 });
    const url = `${origin}/v1/items/a`;
    const seen: [number, string | null][] = [];
    for (const [method, headers] of [
      ['GET', { 'if-none-match': '"1"' }],
      ['PUT', {}],
      ['PUT', { 'if-match': '"9"' }],
      ['PUT', { 'if-match': '"1"' }],
      ['GET', { 'if-none-match': '"1"' }],
      ['DELETE', { 'if-match': '"2"' }],
    ] as const) {
      const isPut = method === 'PUT';
      const reply = await fetch(url, {
        method,
        headers: { ...headers, ...(isPut && { 'content-type': 'application/json' }) } as Record<string, string>,
        ...(isPut && { body: '{"value":3}' }),
      });
      await reply.arrayBuffer();
      seen.push([reply.status, reply.headers.get('etag')]);
    }
    expect(seen).toEqual([
      [304, '"1"'],
      [428, null],
      [412, null],
      [200, '"2"'],
      [200, '"2"'],
      [200, null],
    ]);
  });
});

describe('raw content', () => {
  const type = { 'content-type': 'application/x-file' };

  test('is the whole body, in and out', async () => {
    const app = shelfApp();
    const bytes = Buffer.from([0, 255, 10, 13, 0]);
    expect((await send(app, 'PUT', '/v1/files/f?note=hi', bytes, type)).json()).toEqual({ bytes: 5, note: 'hi' });
    const reply = await send(app, 'GET', '/v1/files/f?names=a&names=b');
    expect(reply.headers['content-type']).toBe('application/x-file');
    expect(reply.rawPayload).toEqual(bytes.subarray(1));
    expect((await send(app, 'PUT', '/v1/files/f', Buffer.alloc(0), type)).json()).toEqual({ bytes: 0 });
  });

  test.each([
    ['JSON', { 'content-type': 'application/json' }],
    ['a type with more behind it', { 'content-type': 'application/x-file; a=b' }],
    ['no type', {}],
    ['a compressed body', { ...type, 'content-encoding': 'gzip' }],
  ])('refuses %s', async (_, headers) => {
    const reply = await send(shelfApp(), 'PUT', '/v1/files/f', Buffer.from('{}'), headers as Record<string, string>);
    expect(reply.json()).toMatchObject({ status: 415, code: 'unsupported_media_type' });
  });

  test('has the limit of bodies', async () => {
    const app = testApp({ methods: shelf(), environment: { ADJOINT_BODY_LIMIT: '1024' } });
    expect((await send(app, 'PUT', '/v1/files/f', Buffer.alloc(1024), type)).statusCode).toBe(200);
    expect((await send(app, 'PUT', '/v1/files/f', Buffer.alloc(1025), type)).statusCode).toBe(413);
  });
});

describe('OpenAPI', () => {
  interface Described {
    readonly parameters: readonly { readonly name?: string; readonly $ref?: string }[];
    readonly requestBody?: { readonly required: boolean; readonly content: object };
    readonly responses: Record<string, { readonly headers?: object; readonly content?: object }>;
  }
  const { paths } = openApiDocument(shelf(), '1.0.0') as { paths: Record<string, Record<string, Described>> };

  test.each<[string, string, string, string[], string | undefined, string[], string[]]>([
    ['/v1/items', 'post', '201', ['Location'], 'application/json', [], ['application/json']],
    ['/v1/items/{name}', 'get', '200', ['ETag'], undefined, ['IfNoneMatch'], ['application/json']],
    ['/v1/items/{name}', 'put', '200', ['ETag'], 'application/json', ['IfMatch'], ['application/json']],
    ['/v1/items/{name}', 'delete', '200', [], undefined, ['IfMatch'], ['application/json']],
    ['/v1/items/{name}/touch', 'post', '200', [], undefined, [], ['application/json']],
    ['/v1/files/{name}', 'put', '200', [], 'application/x-file', [], ['application/json']],
    ['/v1/files/{name}', 'get', '200', [], undefined, [], ['application/x-file']],
    ['/v1/begin', 'post', '202', ['Location'], undefined, [], ['application/json']],
  ])('%s %s', (path, verb, status, headers, body, parameters, types) => {
    const operation = paths[path]?.[verb] as Described;
    const reply = operation.responses[status];
    expect(Object.keys(reply?.headers ?? {})).toEqual(expect.arrayContaining(headers));
    expect(Object.keys(operation.requestBody?.content ?? {})[0]).toBe(body);
    const shared = operation.parameters.map(({ $ref }) => $ref?.split('/').at(-1));
    for (const name of ['IfMatch', 'IfNoneMatch']) expect(shared.includes(name)).toBe(parameters.includes(name));
    expect(Object.keys(reply?.content ?? {})).toEqual(expect.arrayContaining(types));
    expect('304' in operation.responses).toBe(parameters.includes('IfNoneMatch'));
  });
});
