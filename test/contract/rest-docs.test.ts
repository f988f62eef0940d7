import { describe, expect, test } from 'vitest';
import { ERRORS, httpStatus } from '../../engine/errors.ts';
import { openApiDocument } from '../../services/rest/openapi.ts';
import { TEST_METHODS, testApp } from './rest-harness.ts';

/** The parts of an operation that are looked at. */
interface Operation {
  readonly parameters: readonly { readonly name?: string; readonly in?: string }[];
  readonly requestBody: { readonly content: Record<string, { readonly examples: unknown }> };
  readonly responses: Record<string, unknown>;
}

describe('the OpenAPI document', () => {
  test('is served, and is the same every time', async () => {
    const app = testApp();
    const reply = await app.inject('/openapi.json');
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8');
    const document = JSON.stringify(openApiDocument(TEST_METHODS, reply.json().info.version));
    expect(reply.body).toBe(document);
    expect(JSON.stringify(openApiDocument(TEST_METHODS, reply.json().info.version))).toBe(document);
  });

  const document = openApiDocument(TEST_METHODS, '1.0.0');

  function operation(path: string, verb: string): Operation {
    return (document.paths as Record<string, Record<string, Operation>>)[path]?.[verb] as Operation;
  }

  test('has every method with its examples and every status of the error table', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.0.0' } });
    const echo = operation('/v1/echo', 'post');
    expect(echo).toMatchObject({ operationId: 'Echo', summary: 'Answers with what was sent.' });
    expect(echo.requestBody.content['application/json']?.examples).toEqual({
      'one-number': { summary: 'One number', value: { values: { x: 1 } } },
    });
    const seen = Object.keys(ERRORS).filter((code) => code !== 'cancelled' && code !== 'method_not_allowed');
    const statuses = new Set(seen.map((code) => String(httpStatus(code as keyof typeof ERRORS))));
    expect(new Set(Object.keys(echo.responses))).toEqual(statuses.add('200').add('401'));
    const names = operation('/v1/who/{name}', 'get').parameters;
    expect(names.slice(0, 2)).toMatchObject([
      { name: 'name', in: 'path' },
      { name: 'times', in: 'query' },
    ]);
  });

  test('refers to nothing that it does not hold', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, reference]) => reference as string,
    );
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      const target = reference
        .slice(2)
        .split('/')
        .reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], document);
      expect(target, reference).toBeDefined();
    }
  });
});

describe('the reference page', () => {
  test('loads only what this service serves, as what it is', async () => {
    const app = testApp();
    const page = await app.inject('/docs');
    expect(page.statusCode).toBe(200);
    const urls = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url as string);
    expect(urls).toEqual([
      '/docs/favicon-32x32.png',
      '/docs/swagger-ui.css',
      '/docs/swagger-ui-bundle.js',
      '/docs/page.js',
    ]);
    expect(page.body).not.toMatch(/<script>|\s(style|on\w+)=/);
    const types = ['image/png', 'text/css', 'text/javascript', 'text/javascript'];
    for (const [i, url] of urls.entries()) {
      const asset = await app.inject(url);
      expect([asset.statusCode, asset.headers['content-type']?.split(';')[0]]).toEqual([200, types[i]]);
      expect(asset.headers['x-content-type-options']).toBe('nosniff');
      expect(asset.rawPayload.length).toBeGreaterThan(100);
    }
    const policy = page.headers['content-security-policy'];
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
  });

  test('is where the root leads', async () => {
    const reply = await testApp().inject('/');
    expect([reply.statusCode, reply.headers.location]).toEqual([302, '/docs']);
  });
});
