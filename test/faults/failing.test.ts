/**
 * @file A session's life over a store and a disk of which one call fails, whichever it is: the client is told, and what
 * is there then is what was there before the request or what is there after it. `ADJOINT_FAULTS=all` tries every call;
 * otherwise it is some of them, other ones each time.
 */
import fs from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../services/sessions/memory.ts';
import type { Files, OpenFile } from '../../services/sessions/sqlite/files.ts';
import { openSqliteStore } from '../../services/sessions/sqlite/store.ts';
import type { Store } from '../../services/sessions/store.ts';
import { expectSound } from '../store/history.ts';
import { temporaryFolder } from '../store/stores.ts';
import { type Json, type Local, moreCopies, type Reply, route, type Server, serve } from './harness.ts';
import { interposed } from './interposed.ts';
import { LIFE, lasting, live } from './life.ts';

const isThorough = process.env.ADJOINT_FAULTS === 'all';

/** What a fault says of itself, which no client may read. */
const SECRET = 'EIO at /secret/place';

/** All that can be seen of a session. */
async function stateOf(server: Server, session: string): Promise<Json> {
  const get = async (path: string): Promise<Json> => lasting(await server.send({ verb: 'GET', path: session + path }));
  const [info, variables, tapes] = [await get(''), await get('/variables'), await get('/tapes')];
  const values: Json[] = [];
  for (const { name } of variables.body.variables ?? []) values.push(await get(`/variables/${name}`));
  return { info, variables, tapes, values };
}

/** What can be seen before each step of a life, and after the last. */
async function statesOf(): Promise<Json[]> {
  const store = memoryStore();
  const server = serve(store);
  const states: Json[] = [];
  let session = '';
  const noting: Server = {
    async send(request) {
      const reply = await server.send(request);
      session ||= `/v1/sessions/${reply.body.session.session}`;
      return reply;
    },
  };
  await live(noting, async () => {
    states.push(session === '' ? undefined : await stateOf(server, session));
    return noting;
  });
  return [...states, await stateOf(server, session)];
}

const states = statesOf();

function expectFault({ status, body }: Reply, what: string): void {
  expect(status, `${what}: ${JSON.stringify(body)}`).toBe(500);
  expect(body).toEqual({
    type: '/errors/internal',
    title: expect.any(String),
    status: 500,
    detail: expect.not.stringMatching(/secret|EIO|\.ts\b|node_modules|digest/),
    instance: expect.any(String),
    code: 'internal',
  });
}

interface Lived {
  /** The service that answers now. */
  server(): Server;
  /** A service that has seen nothing yet, over the same store. */
  anew(): Server | Promise<Server>;
  /** What happens before each step. */
  before?(): void | Promise<void>;
}

/** Lives a life in which requests may fail; how many did. */
async function liveThrough({ server, anew, before }: Lived): Promise<number> {
  const expected = await states;
  let failures = 0;
  let session = '';
  for (let at = 0; at < LIFE.length; ) {
    const { status, verb, path, body } = LIFE[at]!;
    await before?.();
    const request = {
      verb,
      path: path.replace('/v1/sessions/{session}', session),
      ...(body !== undefined && { body }),
    };
    const reply = await server().send(request);
    if (reply.status === status) {
      if (at === 0) session = `/v1/sessions/${reply.body.session.session}`;
      at++;
      continue;
    }
    failures++;
    expectFault(reply, `${at}: ${verb} ${path}`);
    if (at === 0) continue;
    const state = await stateOf(server(), session);
    expect(await stateOf(await anew(), session), `${at}: what is in memory is what is kept`).toEqual(state);
    // Where it was done all the same, it is not done again: the next one goes on from there.
    const isDone = JSON.stringify(state) !== JSON.stringify(expected[at]);
    expect(state, `${at}: ${verb} ${path}`).toEqual(expected[isDone ? at + 1 : at]);
    if (isDone) at++;
  }
  return failures;
}

/** Numbers of calls to fail, until there are no more. */
function* places(stride: number): Generator<number> {
  for (let n = 1 + Math.floor(Math.random() * stride); ; n += stride) yield n;
}

describe.each(['before', 'after'] as const)('a call of the store that fails %s it is made', (when) => {
  test.each([
    ['all is in memory', { isCold: false, engines: 1, environment: {} }],
    ['values are not in memory', { isCold: false, engines: 1, environment: { ADJOINT_SESSION_MEMORY: '1' } }],
    ['nothing is in memory', { isCold: true, engines: 1, environment: {} }],
    ['two engines take turns', { isCold: false, engines: 2, environment: {} }],
  ])('while %s', { timeout: 600_000 }, async (_, { isCold, engines, environment }) => {
    const stride = isThorough ? 1 : isCold ? 101 : 13;
    const begin = (store: Store): Local => {
      const made = serve(store, { environment });
      const copies = Array.from({ length: engines }, () => moreCopies(made));
      let turn = 0;
      route(made, () => copies[turn++ % engines]!);
      return made;
    };
    let faults = 0;
    for (const n of places(stride)) {
      const store = memoryStore();
      let count = 0;
      const failing: Store = interposed(store, async (_call, run) => {
        if (++count !== n) return run();
        if (when === 'after') await run();
        throw new Error(SECRET);
      });
      let server = begin(failing);
      const failures = await liveThrough({
        server: () => server,
        anew: () => serve(store),
        before: () => {
          if (isCold) server = begin(failing);
        },
      }).catch((cause) => {
        throw new Error(`after the failure of call ${n}`, { cause });
      });
      expect(failures).toBeLessThanOrEqual(1);
      if (failures === 0) break;
      faults += failures;
    }
    expect(faults).toBeGreaterThan(1);
  });
});

/** Files of which the `n`-th operation fails, `before` or `after` it is done; how many there were. */
function failingFiles(n: number, when: 'before' | 'after'): { readonly files: Files; count(): number } {
  let count = 0;
  const step = async <T>(run: () => Promise<T>): Promise<T> => {
    if (++count !== n) return run();
    if (when === 'after') await run();
    throw Object.assign(new Error(SECRET), { code: 'EIO' });
  };
  const open = async (path: string, flags: 'r' | 'wx', mode?: number): Promise<OpenFile> => {
    const file = await fs.open(path, flags, mode);
    return {
      readFile: () => step(() => file.readFile()),
      // A write that fails has written some of it.
      writeFile: (bytes) =>
        step(async () => {
          if (count === n) await file.writeFile(bytes.subarray(0, bytes.length / 2));
          else await file.writeFile(bytes);
        }),
      sync: () => step(() => file.sync()),
      close: async () => {
        // A descriptor is given back even where closing fails.
        await file.close();
        await step(async () => {});
      },
    };
  };
  return {
    count: () => count,
    files: {
      open: (path, flags, mode) =>
        step(async () => {
          const isLost = count === n;
          const file = await open(path, flags, mode);
          if (isLost) await file.close();
          return file;
        }),
      rename: (from, to) => step(() => fs.rename(from, to)),
      unlink: (path) => step(() => fs.unlink(path)),
      readdir: (path) => step(() => fs.readdir(path)),
    },
  };
}

describe.each(['before', 'after'] as const)('an operation of the file system that fails %s it is done', (when) => {
  test('is told, harms nothing, and leaves nothing when it is swept', { timeout: 600_000 }, async () => {
    let faults = 0;
    for (const n of places(isThorough ? 1 : 9)) {
      const folder = temporaryFolder();
      const { files, count } = failingFiles(n, when);
      let store = openSqliteStore(folder, { files });
      let server = serve(store);
      let steps = 0;
      await liveThrough({
        server: () => server,
        anew: async () => {
          await store.close();
          store = openSqliteStore(folder, { files });
          server = serve(store);
          return server;
        },
        before: async () => {
          // Sweeps fail too, and the service goes on.
          if (++steps % 5 === 0)
            await server.service.sessions.sweep().catch((reason) => expect(String(reason)).toContain(SECRET));
        },
      }).catch((cause) => {
        throw new Error(`after the failure of operation ${n}`, { cause });
      });
      const isReached = count() >= n;
      for (let sweep = 0; sweep < 3; sweep++) await store.sweep(0).catch(() => {});
      await expectSound(folder, store);
      if (!isReached) break;
      faults++;
    }
    expect(faults).toBeGreaterThan(1);
  });
});
