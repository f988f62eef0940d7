import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../../engine/limits.ts';
import { ConfigError, digestOf, readConfig } from '../../services/config.ts';

const KEY = 'red:0123456789abcdef';

function faults(environment: Record<string, string>): string {
  try {
    readConfig(environment);
  } catch (reason) {
    if (reason instanceof ConfigError) return reason.message;
    throw reason;
  }
  return '';
}

describe('the configuration', () => {
  test('has a default for everything, and listens to this host alone', () => {
    expect(readConfig({})).toMatchObject({ host: '127.0.0.1', port: 8080, apiKeys: [], limits: DEFAULT_LIMITS });
    expect(readConfig({ ADJOINT_PORT: '', PATH: '/bin' }).port).toBe(8080);
  });

  test('takes limits by name and keys as digests', () => {
    const config = readConfig({ ADJOINT_LIMIT_NODES: '7', ADJOINT_API_KEYS: `${KEY}, blue:fedcba9876543210 ,` });
    expect(config.limits).toEqual({ ...DEFAULT_LIMITS, nodes: 7 });
    expect(config.apiKeys).toEqual([
      { tenant: 'red', digest: digestOf('0123456789abcdef') },
      { tenant: 'blue', digest: digestOf('fedcba9876543210') },
    ]);
  });

  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('%s needs no keys', (host) => {
    expect(faults({ ADJOINT_HOST: host })).toBe('');
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.0.0.1.example.org'])('%s needs keys', (host) => {
    expect(faults({ ADJOINT_HOST: host })).toMatch(/^ADJOINT_HOST: other hosts can reach this address/);
    expect(faults({ ADJOINT_HOST: host, ADJOINT_API_KEYS: KEY })).toBe('');
  });

  test.each([
    ['ADJOINT_PORT', '65536', 'expected number to be <=65535'],
    ['ADJOINT_PORT', 'http', 'expected number'],
    ['ADJOINT_LOG_LEVEL', 'loud', 'expected one of'],
    ['ADJOINT_HEADERS_TIMEOUT_MS', '60001', 'must not be longer than ADJOINT_REQUEST_TIMEOUT_MS'],
    ['ADJOINT_TIMEOUT_MS', '300001', 'must not be longer than ADJOINT_MAX_TIMEOUT_MS'],
    ['ADJOINT_LIMIT_RANK', '9', 'expected number to be <=8'],
    ['ADJOINT_LIMIT_NODES', '1.5', 'expected int'],
    ['ADJOINT_LIMIT_NODE', '1', `there is no such variable. Did you mean 'ADJOINT_LIMIT_NODES'?`],
    ['ADJOINT_LIMIT_SOMETHING_ELSE_ENTIRELY', '1', 'there is no such limit'],
    ['ADJOINT_PROT', '1', `there is no such variable. Did you mean 'ADJOINT_PORT'?`],
    ['ADJOINT_API_KEYS', 'red:short', `pair 1 is not 'tenant:key' with a key of 16 characters or more`],
    ['ADJOINT_API_KEYS', `${KEY},nocolon`, `pair 2 is not 'tenant:key'`],
  ])('%s=%s is refused by name', (variable, value, fault) => {
    const message = faults({ [variable]: value });
    expect(message).toContain(`${variable}: `);
    expect(message).toContain(fault);
  });

  test('never repeats a key', () => {
    expect(faults({ ADJOINT_API_KEYS: 'no-colon-but-secret-0123456789' })).not.toContain('secret');
  });

  test('leaves the variables of other tools alone', () => {
    expect(faults({ ADJOINT_DATA: '/data' })).toBe('');
  });
});
