/** @file A session's life, with the service begun anew between requests and its memory taken away. */
import { describe, expect, test } from 'vitest';
import { memoryStore } from '../../services/sessions/memory.ts';
import { sqliteStore, temporaryFolder } from '../store/stores.ts';
import { serve } from './harness.ts';
import { LIFE, lasting, live } from './life.ts';

const undisturbed = live(serve(memoryStore()));

/** Every step of a life is answered as in an undisturbed one. */
async function expectSame(replies: Awaited<ReturnType<typeof live>>): Promise<void> {
  const wanted = await undisturbed;
  for (const [at, { verb, path }] of LIFE.entries())
    expect(lasting(replies[at]!), `${at}: ${verb} ${path}`).toEqual(lasting(wanted[at]!));
}

describe('a session lives on', () => {
  test('when the service begins anew between any two requests', async () => {
    const folder = temporaryFolder();
    let store = sqliteStore(folder);
    const replies = await live(serve(store), async () => {
      await store.close();
      store = sqliteStore(folder);
      return serve(store);
    });
    await expectSame(replies);
    for (const [at, { rebuilds, path }] of LIFE.entries())
      if (rebuilds)
        expect(replies[at]!.body.meta.rebuilt, `${at}: ${path} ${JSON.stringify(replies[at]!.body)}`).toBe(true);
  });

  test('when the service begins anew once, wherever that is', async () => {
    const store = memoryStore();
    for (let at = 1; at < LIFE.length; at++) {
      let server = serve(store);
      await expectSame(
        await live(server, (now) => {
          if (now === at) server = serve(store);
          return server;
        }),
      );
    }
  });

  test('when nothing of it is held in memory', async () => {
    const replies = await live(serve(memoryStore(), { environment: { ADJOINT_SESSION_MEMORY: '1' } }));
    await expectSame(replies);
    for (const [at, { rebuilds, path }] of LIFE.entries())
      if (rebuilds)
        expect(replies[at]!.body.meta.rebuilt, `${at}: ${path} ${JSON.stringify(replies[at]!.body)}`).toBe(true);
  });

  test('when other sessions push it out of memory', async () => {
    const server = serve(memoryStore(), { environment: { ADJOINT_RESIDENT_SESSIONS: '1' } });
    await expectSame(
      await live(server, async () => {
        await server.send({ verb: 'POST', path: '/v1/sessions', body: {} });
        return server;
      }),
    );
  });

  test('undisturbed, and nothing is computed twice', async () => {
    const replies = await undisturbed;
    for (const [at, { path, body }] of LIFE.entries()) {
      const { meta } = replies[at]!.body ?? {};
      // A derivative that is recorded is a graph of its own.
      if (!meta || JSON.stringify(body).includes('"record"')) continue;
      expect(meta.rebuilt, `${at}: ${path}`).toBe(false);
      expect(meta.forward_passes, `${at}: ${path}`).toBe(path.endsWith('/record') ? 1 : 0);
    }
  });
});
