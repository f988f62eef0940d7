/** @file What every store promises. */
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../engine/errors.ts';
import { type BlobRef, type Change, REPLY_BYTES, type Store } from '../../services/sessions/store.ts';
import {
  appends,
  blobsOf,
  bytesOf,
  change,
  operationRow,
  refOf,
  replyRow,
  sessionRow,
  variableRow,
  writes,
} from './rows.ts';
import { STORES } from './stores.ts';

const MiB = 2 ** 20;
const ONE = bytesOf(64, 1);
const TWO = bytesOf(32, 2);
/** Bytes that no store was given. */
const UNKNOWN = refOf(bytesOf(8, 99));

describe.each(STORES)('a store in $name', ({ open }) => {
  describe('a session', () => {
    it('begins at revision 1 with what its first change brings', async () => {
      const store = open();
      await store.createSession(sessionRow({ revision: 17, ttl: 77 }), writes(0, { w: ONE }), 1);
      expect(await store.session('acme', 's')).toEqual(sessionRow({ revision: 1, ttl: 77 }));
      expect(await store.variables('acme', 's')).toEqual([variableRow('w', refOf(ONE))]);
      expectBytes(await store.blob('acme', refOf(ONE)), ONE);
    });

    it('is absent before', async () => {
      const store = open();
      expect(await store.session('acme', 's')).toBeUndefined();
      expect(await store.sessions('acme', '', 10)).toEqual([]);
      expect(await store.variables('acme', 's')).toEqual([]);
      expect(await store.logs('acme', 's')).toEqual([]);
      expect(await store.log('acme', 's', 'l')).toEqual([]);
      expect(await store.deleteSession('acme', 's')).toBe(false);
      await store.touch('acme', 's', 5_000);
      expect(await store.session('acme', 's')).toBeUndefined();
    });

    it('has an id that is taken once', async () => {
      const store = open();
      await store.createSession(sessionRow(), writes(0, { w: ONE }), 9);
      await expectError(store.createSession(sessionRow({ ttl: 5 }), writes(0, { v: TWO }), 9), 'already_exists');
      expect(await store.session('acme', 's')).toEqual(sessionRow({ revision: 1 }));
      expect((await store.variables('acme', 's')).map(({ name }) => name)).toEqual(['w']);
      await expectAbsent(store, refOf(TWO));
    });

    it('is refused over the limit, of which the expired and those of others are no part', async () => {
      const store = open();
      await store.createSession(sessionRow({ id: 'old', expiresAt: 999 }), change(0, { expiresAt: 999 }), 2);
      await store.createSession(sessionRow({ tenant: 'other' }), change(0), 2);
      await store.createSession(sessionRow({ id: 'a' }), change(0), 2);
      await store.createSession(sessionRow({ id: 'b' }), change(0), 2);
      await expectError(store.createSession(sessionRow({ id: 'c' }), writes(0, { w: ONE }), 2), 'quota_exceeded');
      expect(await store.session('acme', 'c')).toBeUndefined();
      await expectAbsent(store, refOf(ONE));
      await store.deleteSession('acme', 'a');
      await store.createSession(sessionRow({ id: 'c' }), change(0), 2);
      // What expires at this moment is not alive at it.
      await store.createSession(sessionRow({ id: 'd', createdAt: 2_000 }), change(0), 1);
    });

    it('of a racing crowd takes exactly as many as the limit', async () => {
      const store = open();
      const large = bytesOf(MiB + 1);
      const attempts = Array.from({ length: 20 }, (_, i) =>
        store.createSession(sessionRow({ id: `s${i}` }), writes(0, { w: i % 2 ? large : ONE }), 7),
      );
      const results = await Promise.allSettled(attempts);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
      expect(await store.sessions('acme', '', 100)).toHaveLength(7);
    });

    it('is renewed', async () => {
      const store = open();
      await store.createSession(sessionRow(), change(0), 1);
      await store.touch('acme', 's', 9_000);
      await store.touch('other', 's', 1);
      expect(await store.session('acme', 's')).toEqual(sessionRow({ expiresAt: 9_000, revision: 1 }));
      await store.commit('acme', 's', change(1, { expiresAt: 9_500 }));
      expect(await store.session('acme', 's')).toEqual(sessionRow({ expiresAt: 9_500, revision: 2 }));
    });

    it('is listed by id in pages', async () => {
      const store = open();
      const ids = ['b', 'a', 'é', 'z', '~', '\u{1f600}', '\uffee', 'aa', 'B'];
      for (const id of ids) await store.createSession(sessionRow({ id }), change(0), 99);
      await store.createSession(sessionRow({ tenant: 'other', id: 'c' }), change(0), 99);
      const expected = ['B', 'a', 'aa', 'b', 'z', '~', 'é', '\uffee', '\u{1f600}'];
      expect((await store.sessions('acme', '', 99)).map(({ id }) => id)).toEqual(expected);
      const paged: string[] = [];
      for (let page = await store.sessions('acme', '', 2); page.length > 0; ) {
        expect(page.length).toBeLessThanOrEqual(2);
        paged.push(...page.map(({ id }) => id));
        page = await store.sessions('acme', paged.at(-1)!, 2);
      }
      expect(paged).toEqual(expected);
      expect(await store.sessions('acme', '', 0)).toEqual([]);
      // The last of a page may be gone when the next one is asked for.
      await store.deleteSession('acme', 'aa');
      expect((await store.sessions('acme', 'aa', 1)).map(({ id }) => id)).toEqual(['b']);
    });

    it('takes all that is its own along, and nothing else', async () => {
      const store = open();
      for (const id of ['s', 't']) {
        await store.createSession(sessionRow({ id }), writes(0, { w: ONE }), 9);
        await store.commit('acme', id, appends(1, 'l', [['1', TWO]]));
      }
      await store.commit('acme', 's', change(2, { reply: replyRow('k', refOf(ONE)) }));
      await store.commit('acme', 's', change(3, { operation: operationRow('o', refOf(ONE)) }));
      expect(await store.deleteSession('other', 's')).toBe(false);
      expect(await store.deleteSession('acme', 's')).toBe(true);
      expect(await store.deleteSession('acme', 's')).toBe(false);
      expect(await store.session('acme', 's')).toBeUndefined();
      expect(await store.variables('acme', 's')).toEqual([]);
      expect(await store.logs('acme', 's')).toEqual([]);
      expect(await store.log('acme', 's', 'l')).toEqual([]);
      expect(await store.log('acme', 't', 'l')).toHaveLength(1);
      expect(await store.variables('acme', 't')).toHaveLength(1);
      expect(await store.reply('acme', 'k')).toBeDefined();
      expect(await store.operation('acme', 'o')).toBeDefined();
      // A new one of the name begins empty.
      await store.createSession(sessionRow(), change(0), 9);
      expect(await store.variables('acme', 's')).toEqual([]);
      expect(await store.logs('acme', 's')).toEqual([]);
    });
  });

  describe('a commit', () => {
    it('goes with the reply to the request for it, or there is none', async () => {
      const store = open();
      const reply = replyRow('k', refOf(ONE));
      const completion = { reply, blobs: blobsOf([ONE]) };
      expect(await store.deleteSession('acme', 's', completion)).toBe(false);
      expect(await store.reply('acme', 'k')).toBeUndefined();
      await store.createSession(sessionRow(), change(0), 1);
      const unknown = { reply: replyRow('k', UNKNOWN), blobs: new Map() };
      await expectError(store.deleteSession('acme', 's', unknown), 'internal');
      expect(await store.session('acme', 's')).toBeDefined();
      expect(await store.deleteSession('acme', 's', completion)).toBe(true);
      expect(await store.reply('acme', 'k')).toEqual(reply);
      expectBytes(await store.blob('acme', refOf(ONE)), ONE);
    });

    it('writes, rewrites and deletes variables', async () => {
      const store = open();
      await store.createSession(sessionRow(), writes(0, { w: ONE, v: ONE, u: TWO }), 1);
      await store.commit('acme', 's', {
        ...writes(1, { v: TWO, x: ONE }),
        variables: new Map([
          ...writes(1, { v: TWO, x: ONE }).variables,
          ['u', null],
          ['never', null],
          ['i', variableRow('i', refOf(TWO), { dtype: 'int32', shape: [2, 1, 4], trainable: false, version: 2 })],
        ]),
      });
      expect(await store.variables('acme', 's')).toEqual([
        variableRow('i', refOf(TWO), { dtype: 'int32', shape: [2, 1, 4], trainable: false, version: 2 }),
        variableRow('v', refOf(TWO), { version: 2 }),
        variableRow('w', refOf(ONE)),
        variableRow('x', refOf(ONE), { version: 2 }),
      ]);
      expect((await store.session('acme', 's'))?.revision).toBe(2);
    });

    it('appends to logs in order, after it has dropped some', async () => {
      const store = open();
      await store.createSession(sessionRow(), appends(0, 'b', [['1', ONE, TWO, ONE], ['2']]), 1);
      await store.commit('acme', 's', appends(1, 'a', [['3']]));
      await store.commit('acme', 's', appends(2, 'b', [['4', TWO]]));
      expect(await store.logs('acme', 's')).toEqual(['b', 'a']);
      expect(await store.log('acme', 's', 'b')).toEqual([
        { json: '1', blobs: [refOf(ONE), refOf(TWO), refOf(ONE)] },
        { json: '2', blobs: [] },
        { json: '4', blobs: [refOf(TWO)] },
      ]);
      const page = async (from: number, limit?: number): Promise<string[]> =>
        (await store.log('acme', 's', 'b', from, limit)).map(({ json }) => json);
      expect([await page(0, 2), await page(1, 1), await page(1), await page(2, 9), await page(3, 9)]).toEqual([
        ['1', '2'],
        ['2'],
        ['2', '4'],
        ['4'],
        [],
      ]);
      await store.commit('acme', 's', { ...appends(3, 'b', [['5']]), dropped: ['b', 'never'] });
      expect(await store.logs('acme', 's')).toEqual(['a', 'b']);
      expect(await store.log('acme', 's', 'b')).toEqual([{ json: '5', blobs: [] }]);
      await store.commit('acme', 's', change(4, { dropped: ['a', 'b'] }));
      expect(await store.logs('acme', 's')).toEqual([]);
    });

    it('names blobs that the store has without sending them again', async () => {
      const store = open();
      await store.createSession(sessionRow(), writes(0, { w: ONE }), 1);
      await store.commit('acme', 's', { ...writes(1, { v: ONE }), blobs: new Map() });
      await store.commit('acme', 's', writes(2, { u: ONE }));
      expectBytes(await store.blob('acme', refOf(ONE)), ONE);
      expect(await store.tenantBytes('acme')).toBe(ONE.length);
    });

    it('carries a reply and an operation', async () => {
      const store = open();
      await store.createSession(sessionRow(), change(0), 1);
      const reply = replyRow('k', refOf(TWO));
      const operation = operationRow('o', refOf(ONE), { response: refOf(TWO), state: 'succeeded' });
      await store.commit('acme', 's', change(1, { blobs: blobsOf([ONE, TWO]), reply, operation }));
      expect(await store.reply('acme', 'k')).toEqual(reply);
      expect(await store.operation('acme', 'o')).toEqual(operation);
      expectBytes(await store.blob('acme', refOf(TWO)), TWO);
    });

    const everything = (revision: number, blob: Uint8Array, rest: Partial<Change> = {}): Change => ({
      ...appends(revision, 'l', [['new', blob]]),
      variables: writes(revision, { w: blob, x: blob }).variables,
      dropped: ['l'],
      expiresAt: 8_000,
      reply: replyRow('k', refOf(blob)),
      operation: operationRow('o', refOf(blob)),
      ...rest,
    });
    const refusals: readonly (readonly [string, string, string, ErrorCode, (blob: Uint8Array) => Change])[] = [
      ['of an older revision', 'acme', 's', 'version_mismatch', (blob) => everything(1, blob)],
      ['of a later revision', 'acme', 's', 'version_mismatch', (blob) => everything(3, blob)],
      ['to an absent session', 'acme', 'absent', 'not_found', (blob) => everything(2, blob)],
      ["to another tenant's session", 'other', 's', 'not_found', (blob) => everything(2, blob)],
      [
        'whose variable has no bytes',
        'acme',
        's',
        'internal',
        (blob) => everything(2, blob, { variables: new Map([['w', variableRow('w', UNKNOWN)]]) }),
      ],
      [
        'whose entry has no bytes',
        'acme',
        's',
        'internal',
        (blob) => {
          const entry = { json: 'new', blobs: [refOf(blob), UNKNOWN] };
          return everything(2, blob, { appended: [{ log: 'l', entry }] });
        },
      ],
      ['whose reply has no bytes', 'acme', 's', 'internal', (b) => everything(2, b, { reply: replyRow('k', UNKNOWN) })],
      [
        'whose operation has no bytes',
        'acme',
        's',
        'internal',
        (blob) => everything(2, blob, { operation: operationRow('o', refOf(blob), { response: UNKNOWN }) }),
      ],
      [
        'that names bytes of another length',
        'acme',
        's',
        'internal',
        (blob) => {
          const value = { ...refOf(blob), bytes: 4 };
          return everything(2, blob, { variables: new Map([['w', variableRow('w', value)]]) });
        },
      ],
    ];
    describe.each([
      ['small', 16],
      ['large', MiB + 1],
    ])('with %s bytes', (_, length) => {
      it.each(refusals)('%s changes nothing', async (_title, tenant, id, code, make) => {
        const store = open();
        await store.createSession(sessionRow(), writes(0, { w: ONE, v: TWO }), 1);
        await store.commit('acme', 's', appends(1, 'l', [['old', ONE]]));
        const before = await everythingIn(store);
        const blob = bytesOf(length, 7);
        await expectError(store.commit(tenant, id, make(blob)), code);
        expect(await everythingIn(store)).toEqual(before);
        await expectAbsent(store, refOf(blob));
        expect(await store.reply('acme', 'k')).toBeUndefined();
        expect(await store.operation('acme', 'o')).toBeUndefined();
        await store.commit('acme', 's', everything(2, blob));
        expectBytes(await store.blob('acme', refOf(blob)), blob);
      });
    });

    it('wins alone of many at one revision, and the losers win later', async () => {
      const store = open();
      await store.createSession(sessionRow(), change(0), 1);
      // Large and small ones: some await files, some do not.
      const contents = Array.from({ length: 24 }, (_, i) => bytesOf(i % 3 === 0 ? MiB + 1 + i : 8 + i, i));
      let wins = 0;
      const commitUntilWon = async (bytes: Uint8Array, i: number): Promise<void> => {
        for (;;) {
          const { revision } = (await store.session('acme', 's'))!;
          try {
            await store.commit('acme', 's', {
              ...writes(revision, { [`v${i}`]: bytes }),
              appended: [{ log: 'l', entry: { json: String(revision), blobs: [] } }],
            });
            wins++;
            return;
          } catch (error) {
            expect(error).toMatchObject({ code: 'version_mismatch' });
          }
        }
      };
      await Promise.all(contents.map(commitUntilWon));
      expect(wins).toBe(24);
      expect((await store.session('acme', 's'))?.revision).toBe(25);
      const revisions = (await store.log('acme', 's', 'l')).map(({ json }) => Number(json));
      expect(revisions).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
      for (const { name, value } of await store.variables('acme', 's'))
        expectBytes(await store.blob('acme', value), contents[Number(name.slice(1))]);
    });

    it('does not wait for those of other sessions to fit', async () => {
      const store = open();
      const ids = Array.from({ length: 10 }, (_, i) => `s${i}`);
      const large = bytesOf(MiB + 1);
      await Promise.all(ids.map((id) => store.createSession(sessionRow({ id }), writes(0, { w: large }), 99)));
      await Promise.all(ids.map((id) => store.commit('acme', id, writes(1, { w: bytesOf(10), v: large }))));
      for (const id of ids) expect((await store.session('acme', id))?.revision).toBe(2);
      expect(await store.tenantBytes('acme')).toBe(MiB + 1 + 10);
    });
  });

  describe('a tenant', () => {
    it('takes its bytes, and some of its own, of the tenant', async () => {
      const store = open();
      expect(await store.replyBytes('acme')).toBe(0);
      await store.putReply(replyRow('a', refOf(ONE)), blobsOf([ONE]));
      await store.putReply(replyRow('b', refOf(ONE)), new Map());
      await store.putReply(replyRow('b', refOf(TWO)), blobsOf([TWO]));
      expect(await store.replyBytes('acme')).toBe(64 + 32 + 2 * REPLY_BYTES);
      expect(await store.replyBytes('other')).toBe(0);
    });

    it('sees nothing of another one', async () => {
      const store = open();
      await store.createSession(sessionRow(), writes(0, { w: ONE }), 1);
      await store.commit('acme', 's', appends(1, 'l', [['1', ONE]]));
      await store.putReply(replyRow('k', refOf(ONE)), new Map());
      await store.putOperation(operationRow('o', refOf(ONE)), new Map());
      expect(await store.session('other', 's')).toBeUndefined();
      expect(await store.sessions('other', '', 9)).toEqual([]);
      expect(await store.variables('other', 's')).toEqual([]);
      expect(await store.logs('other', 's')).toEqual([]);
      expect(await store.log('other', 's', 'l')).toEqual([]);
      expect(await store.reply('other', 'k')).toBeUndefined();
      expect(await store.operation('other', 'o')).toBeUndefined();
      expect(await store.operations('other', '', 9)).toEqual([]);
      expect(await store.deleteOperation('other', 'o')).toBe(false);
      expect(await store.tenantBytes('other')).toBe(0);
      await expectAbsent(store, refOf(ONE), 'other');
    });

    it('cannot name the bytes of another one', async () => {
      const store = open();
      await store.createSession(sessionRow(), writes(0, { w: ONE }), 1);
      const value = refOf(ONE, 'acme');
      const stolen = change(0, { variables: new Map([['w', variableRow('w', value)]]) });
      await expectError(store.createSession(sessionRow({ tenant: 'other' }), stolen, 1), 'internal');
      await expectError(store.putReply(replyRow('k', value, { tenant: 'other' }), new Map()), 'internal');
      expect(await store.session('other', 's')).toBeUndefined();
    });

    it('may use the names of another one', async () => {
      const store = open();
      for (const tenant of ['acme', 'other']) {
        await store.createSession(sessionRow({ tenant }), writes(0, { w: ONE }, {}, tenant), 1);
        await store.putReply(replyRow('k', refOf(ONE, tenant), { tenant, fingerprint: tenant }), new Map());
      }
      await store.deleteSession('acme', 's');
      expect(await store.session('other', 's')).toEqual(sessionRow({ tenant: 'other', revision: 1 }));
      expect((await store.reply('other', 'k'))?.fingerprint).toBe('other');
      expect(await store.tenantBytes('acme')).toBe(0);
      expect(await store.tenantBytes('other')).toBe(64);
    });

    it('has the bytes that its sessions name, each once', async () => {
      const store = open();
      expect(await store.tenantBytes('acme')).toBe(0);
      await store.createSession(sessionRow(), writes(0, { w: ONE, v: ONE }), 9);
      await store.createSession(sessionRow({ id: 't' }), appends(0, 'l', [['1', ONE, TWO]]), 9);
      await store.putReply(replyRow('k', refOf(bytesOf(1_000))), blobsOf([bytesOf(1_000)]));
      expect(await store.tenantBytes('acme')).toBe(96);
      await store.deleteSession('acme', 't');
      expect(await store.tenantBytes('acme')).toBe(64);
      await store.commit('acme', 's', change(1, { variables: new Map([['w', null]]) }));
      expect(await store.tenantBytes('acme')).toBe(64);
      await store.commit('acme', 's', change(2, { variables: new Map([['v', null]]) }));
      expect(await store.tenantBytes('acme')).toBe(0);
    });
  });

  describe('bytes', () => {
    it.each([0, 1, 7, 4_095, 4_096, MiB - 1, MiB, MiB + 1, 20_000_000])('%d of them come back', async (length) => {
      const store = open();
      const bytes = bytesOf(length, length);
      await store.createSession(sessionRow(), writes(0, { w: bytes }), 1);
      const [variable] = await store.variables('acme', 's');
      expect(variable?.value).toEqual(refOf(bytes));
      const read = await store.blob('acme', variable!.value);
      expectBytes(read, bytes);
      // Whatever number type they are of, it can be read in place.
      expect(read.byteOffset % 8).toBe(0);
      expect(await store.tenantBytes('acme')).toBe(length);
    });

    it('are those of a view, not of what it looks into', async () => {
      const store = open();
      for (const length of [11, MiB + 3]) {
        const view = bytesOf(length + 10).subarray(5, 5 + length);
        await store.putReply(replyRow(`k${length}`, refOf(view)), blobsOf([view]));
        expectBytes(await store.blob('acme', refOf(view)), view);
      }
    });

    it('are the reader’s and the writer’s own', async () => {
      const store = open();
      for (const length of [64, MiB + 1]) {
        const given = bytesOf(length);
        const expected = given.slice();
        await store.putReply(replyRow(`k${length}`, refOf(given)), blobsOf([given]));
        given.fill(1);
        const read = await store.blob('acme', refOf(expected));
        expectBytes(read, expected);
        read.fill(2);
        expectBytes(await store.blob('acme', refOf(expected)), expected);
      }
    });

    it.each([[ONE], [bytesOf(MiB + 1)]])(
      'survive the deletion of one of two sessions that name them',
      async (bytes) => {
        const store = open();
        for (const id of ['s', 't']) await store.createSession(sessionRow({ id }), writes(0, { w: bytes }), 9);
        await store.deleteSession('acme', 's');
        for (let i = 0; i < 3; i++) expect((await store.sweep(1_500)).blobs).toBe(0);
        expectBytes(await store.blob('acme', refOf(bytes)), bytes);
        await store.deleteSession('acme', 't');
        expect((await store.sweep(1_500)).blobs).toBe(0);
        expect((await store.sweep(1_500)).blobs).toBe(1);
        await expectAbsent(store, refOf(bytes));
      },
    );

    it('of another length than was asked for are a fault', async () => {
      const store = open();
      for (const length of [64, MiB + 1]) {
        const bytes = bytesOf(length);
        await store.putReply(replyRow('k', refOf(bytes)), blobsOf([bytes]));
        await expectAbsent(store, { ...refOf(bytes), bytes: length - 1 });
      }
    });

    it('that are not what their digest says are a fault, whose detail the client is not told', async () => {
      const store = open();
      for (const length of [64, MiB + 1]) {
        const { digest } = refOf(bytesOf(length));
        const ref = { digest, bytes: length };
        await store.putReply(replyRow('k', ref), new Map([[digest, bytesOf(length, 5)]]));
        const error = await store.blob('acme', ref).catch((reason: unknown) => reason);
        expect(error).toMatchObject({ code: 'internal', cause: { message: expect.stringContaining(digest) } });
        expect((error as Error).message).not.toContain(digest);
      }
    });
  });

  describe('names', () => {
    const NAMES = [
      ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', ' ', "'; drop table sessions; --", '%', '_'],
      ...['a\0b', 'a\0c', 'a', '\0', '\u202eabc', 'é', 'e\u0301', '\u{1f600}', '../../etc/passwd', 'a/b', ':name', '?'],
      ...['x'.repeat(10_240), `${'x'.repeat(10_239)}y`, '\ufeff', '1', '01', '1e0', 'null', 'NULL', 'A'],
    ];

    it('of any kind are told apart everywhere', async () => {
      const store = open();
      for (const [i, name] of NAMES.entries()) {
        const bytes = bytesOf(12, i);
        const blobs = blobsOf([bytes], name);
        const value = refOf(bytes, name);
        await store.createSession(
          sessionRow({ tenant: name, id: name }),
          change(0, {
            blobs,
            variables: new Map([[name, variableRow(name, value, { dtype: name })]]),
            appended: [{ log: name, entry: { json: JSON.stringify(name), blobs: [value] } }],
          }),
          1,
        );
        await store.putReply(replyRow(name, value, { tenant: name, fingerprint: name }), blobs);
        await store.putOperation(operationRow(name, value, { tenant: name, progress: name, error: name }), blobs);
      }
      for (const [i, name] of NAMES.entries()) {
        const value = refOf(bytesOf(12, i), name);
        expect((await store.sessions(name, '', 9)).map(({ id }) => id)).toEqual(name === '' ? [] : [name]);
        expect((await store.session(name, name))?.id).toBe(name);
        expect(await store.variables(name, name)).toEqual([variableRow(name, value, { dtype: name })]);
        expect(await store.logs(name, name)).toEqual([name]);
        expect(await store.log(name, name, name)).toEqual([{ json: JSON.stringify(name), blobs: [value] }]);
        expectBytes(await store.blob(name, value), bytesOf(12, i));
        expect((await store.reply(name, name))?.fingerprint).toBe(name);
        expect(await store.operation(name, name)).toMatchObject({ id: name, progress: name, error: name });
        expect(await store.tenantBytes(name)).toBe(12);
      }
      expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('id');
    });

    it('of many variables come in the order of code points', async () => {
      const store = open();
      const names = NAMES.concat('\uffee');
      const variables = new Map(names.map((name) => [name, variableRow(name, refOf(ONE))]));
      await store.createSession(sessionRow(), change(0, { blobs: blobsOf([ONE]), variables }), 1);
      const inOrder = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect((await store.variables('acme', 's')).map(({ name }) => name)).toEqual(inOrder);
      await store.commit('acme', 's', change(1, { variables: new Map([['__proto__', null]]) }));
      expect((await store.variables('acme', 's')).map(({ name }) => name)).toEqual(
        inOrder.filter((name) => name !== '__proto__'),
      );
    });
  });

  describe('a reply', () => {
    it('is kept, and written anew', async () => {
      const store = open();
      expect(await store.reply('acme', 'k')).toBeUndefined();
      await store.putReply(replyRow('k', refOf(ONE)), blobsOf([ONE]));
      expect(await store.reply('acme', 'k')).toEqual(replyRow('k', refOf(ONE)));
      const again = replyRow('k', refOf(TWO), { fingerprint: 'g', expiresAt: 7 });
      await store.putReply(again, blobsOf([TWO]));
      expect(await store.reply('acme', 'k')).toEqual(again);
    });

    it('without its bytes is refused', async () => {
      const store = open();
      await expectError(store.putReply(replyRow('k', UNKNOWN), blobsOf([ONE])), 'internal');
      expect(await store.reply('acme', 'k')).toBeUndefined();
      await expectAbsent(store, refOf(ONE));
    });
  });

  describe('an operation', () => {
    it('is kept, written anew and deleted', async () => {
      const store = open();
      const begun = operationRow('o', refOf(ONE), { progress: '{"step":1}' });
      await store.putOperation(begun, blobsOf([ONE]));
      expect(await store.operation('acme', 'o')).toEqual(begun);
      const failed = operationRow('o', refOf(ONE), { state: 'failed', error: '{"code":"internal"}', attempts: 2 });
      await store.putOperation(failed, new Map());
      expect(await store.operation('acme', 'o')).toEqual(failed);
      const done = operationRow('o', refOf(ONE), { state: 'succeeded', response: refOf(TWO) });
      await store.putOperation(done, blobsOf([TWO]));
      expect(await store.operation('acme', 'o')).toEqual(done);
      await expectError(store.putOperation(operationRow('o', UNKNOWN), new Map()), 'internal');
      expect(await store.operation('acme', 'o')).toEqual(done);
      expect(await store.deleteOperation('acme', 'o')).toBe(true);
      expect(await store.deleteOperation('acme', 'o')).toBe(false);
      expect(await store.operation('acme', 'o')).toBeUndefined();
    });

    it('comes with the reply to the request for it', async () => {
      const store = open();
      const reply = replyRow('k', refOf(TWO));
      await store.putOperation(operationRow('o', refOf(ONE)), blobsOf([ONE, TWO]), reply);
      expect(await store.reply('acme', 'k')).toEqual(reply);
      const lost = store.putOperation(operationRow('p', refOf(ONE)), new Map(), replyRow('l', UNKNOWN));
      await expectError(lost, 'internal');
      expect(await store.operation('acme', 'p')).toBeUndefined();
    });

    it('is listed by id in pages', async () => {
      const store = open();
      for (const id of ['c', 'a', 'b']) await store.putOperation(operationRow(id, refOf(ONE)), blobsOf([ONE]));
      expect((await store.operations('acme', '', 2)).map(({ id }) => id)).toEqual(['a', 'b']);
      expect((await store.operations('acme', 'b', 2)).map(({ id }) => id)).toEqual(['c']);
      expect(await store.operations('acme', 'c', 2)).toEqual([]);
    });

    it('that runs is unfinished, whosever it is', async () => {
      const store = open();
      const put = (id: string, fields: Parameters<typeof operationRow>[2] & { tenant?: string }): Promise<void> => {
        const { tenant = 'acme' } = fields;
        return store.putOperation(operationRow(id, refOf(ONE, tenant), fields), blobsOf([ONE], tenant));
      };
      await put('late', { createdAt: 30 });
      await put('other', { tenant: 'other', createdAt: 20 });
      await put('early', { createdAt: 10 });
      await put('done', { state: 'succeeded' });
      await put('failed', { state: 'failed' });
      await put('cancelled', { state: 'cancelled' });
      expect((await store.unfinished()).map(({ id }) => id)).toEqual(['early', 'other', 'late']);
      await put('early', { createdAt: 10, state: 'succeeded' });
      await store.deleteOperation('other', 'other');
      expect((await store.unfinished()).map(({ id }) => id)).toEqual(['late']);
    });
  });

  describe('a sweep', () => {
    it('of an empty store removes nothing', async () => {
      expect(await open().sweep(Number.MAX_SAFE_INTEGER)).toEqual(swept({}));
    });

    it('removes what expires at its time or before, of all tenants', async () => {
      const store = open();
      for (const tenant of ['acme', 'other'])
        for (const expiresAt of [99, 100, 101]) {
          const blobs = blobsOf([ONE], tenant);
          const id = String(expiresAt);
          await store.createSession(
            sessionRow({ tenant, id, createdAt: 1, expiresAt }),
            writes(0, { w: ONE }, { expiresAt }, tenant),
            9,
          );
          await store.putReply(replyRow(id, refOf(ONE, tenant), { tenant, expiresAt }), blobs);
          await store.putOperation(operationRow(id, refOf(ONE, tenant), { tenant, expiresAt }), blobs);
        }
      expect(await store.sweep(98)).toEqual(swept({}));
      expect(await store.sweep(100)).toEqual(swept({ sessions: 4, replies: 4, operations: 4 }));
      expect(await store.sweep(100)).toEqual(swept({}));
      for (const tenant of ['acme', 'other']) {
        expect((await store.sessions(tenant, '', 9)).map(({ id }) => id)).toEqual(['101']);
        expect((await store.operations(tenant, '', 9)).map(({ id }) => id)).toEqual(['101']);
        expect(await store.reply(tenant, '100')).toBeUndefined();
        expect(await store.reply(tenant, '101')).toBeDefined();
        expectBytes(await store.blob(tenant, refOf(ONE, tenant)), ONE);
      }
      expect(await store.sweep(101)).toEqual(swept({ sessions: 2, replies: 2, operations: 2 }));
      expect(await store.sweep(101)).toEqual(swept({ blobs: 2 }));
    });

    it('leaves a session that has been renewed', async () => {
      const store = open();
      await store.createSession(sessionRow(), change(0), 1);
      await store.touch('acme', 's', 5_000);
      expect(await store.sweep(2_000)).toEqual(swept({}));
      await store.commit('acme', 's', change(1, { expiresAt: 6_000 }));
      expect(await store.sweep(5_000)).toEqual(swept({}));
      expect(await store.sweep(6_000)).toEqual(swept({ sessions: 1 }));
    });

    const holders: readonly (readonly [string, (store: Store, bytes: Uint8Array) => Promise<void>])[] = [
      ['a variable', (store, bytes) => store.commit('acme', 's', writes(1, { w: bytes }))],
      ['an entry', (store, bytes) => store.commit('acme', 's', appends(1, 'l', [['1', bytes]]))],
      ['a reply', (store, bytes) => store.putReply(replyRow('k', refOf(bytes)), blobsOf([bytes]))],
      [
        "an operation's request",
        (store, bytes) => store.putOperation(operationRow('o', refOf(bytes)), blobsOf([bytes])),
      ],
      [
        "an operation's response",
        (store, bytes) =>
          store.putOperation(operationRow('o', refOf(ONE), { response: refOf(bytes) }), blobsOf([ONE, bytes])),
      ],
    ];
    describe.each(holders)('bytes that %s names', (_, hold) => {
      it.each([32, MiB + 1])('(%d of them) stay until it is gone and one sweep longer', async (length) => {
        const store = open();
        const bytes = bytesOf(length, 3);
        await store.createSession(sessionRow(), change(0), 1);
        await hold(store, bytes);
        for (let i = 0; i < 3; i++) expect(await store.sweep(1_000)).toEqual(swept({}));
        expectBytes(await store.blob('acme', refOf(bytes)), bytes);
        await store.sweep(9_000);
        expectBytes(await store.blob('acme', refOf(bytes)), bytes);
        await store.sweep(9_000);
        await expectAbsent(store, refOf(bytes));
      });
    });

    it('finds bytes that are named again in between', async () => {
      const store = open();
      for (const [i, bytes] of [ONE, bytesOf(MiB + 1)].entries()) {
        const id = String(i);
        await store.createSession(sessionRow({ id }), writes(0, { w: bytes }), 9);
        await store.commit('acme', id, change(1, { variables: new Map([['w', null]]) }));
        expect((await store.sweep(1_000)).blobs).toBe(0);
        await store.commit('acme', id, writes(2, { w: bytes }));
        await store.commit('acme', id, change(3, { variables: new Map([['w', null]]) }));
        // Unnamed at both sweeps, but named between them.
        expect((await store.sweep(1_000)).blobs).toBe(0);
        await store.commit('acme', id, { ...writes(4, { w: bytes }), blobs: new Map() });
        expect((await store.sweep(1_000)).blobs).toBe(0);
        expectBytes(await store.blob('acme', refOf(bytes)), bytes);
      }
    });

    it('never takes the bytes of a commit in flight', async () => {
      const store = open();
      await store.createSession(sessionRow(), change(0), 1);
      const contents = [bytesOf(MiB + 1, 1), bytesOf(MiB + 2, 2), bytesOf(40, 3)];
      let isDone = false;
      const sweeping = (async () => {
        while (!isDone) await store.sweep(1_000);
      })();
      for (let revision = 1; revision < 60; revision++) {
        const bytes = contents[revision % 3]!;
        await store.commit('acme', 's', writes(revision, { w: bytes }));
        const [variable] = await store.variables('acme', 's');
        expectBytes(await store.blob('acme', variable!.value), bytes);
      }
      isDone = true;
      await sweeping;
    });

    it('may run twice at once', async () => {
      const store = open();
      await store.createSession(sessionRow(), writes(0, { w: ONE }), 1);
      const both = await Promise.all([store.sweep(9_000), store.sweep(9_000)]);
      expect(both).toEqual([swept({ sessions: 1 }), swept({ blobs: 1 })]);
    });
  });

  it('can be written to, and is closed more than once', async () => {
    const store = open();
    expect(await store.isWritable()).toBe(true);
    await store.close();
    await store.close();
  });
});

/** Quicker than `toEqual`, which looks at each byte as a property. */
function expectBytes(actual: Uint8Array, expected: Uint8Array | undefined): void {
  expect(Object.getPrototypeOf(actual)).toBe(Uint8Array.prototype);
  expect(actual.length).toBe(expected?.length);
  expect(Buffer.compare(actual, expected!)).toBe(0);
}

function swept(fields: Partial<Awaited<ReturnType<Store['sweep']>>>): Awaited<ReturnType<Store['sweep']>> {
  return { sessions: 0, operations: 0, replies: 0, blobs: 0, ...fields };
}

async function expectError(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await expect(promise).rejects.toMatchObject({ name: 'EngineError', code });
}

async function expectAbsent(store: Store, ref: BlobRef, tenant = 'acme'): Promise<void> {
  await expectError(store.blob(tenant, ref), 'internal');
}

/** All that a client could see of session `s`. */
async function everythingIn(store: Store): Promise<unknown> {
  return {
    session: await store.session('acme', 's'),
    sessions: await store.sessions('acme', '', 99),
    variables: await store.variables('acme', 's'),
    logs: await store.logs('acme', 's'),
    log: await store.log('acme', 's', 'l'),
    bytes: await store.tenantBytes('acme'),
    operations: await store.operations('acme', '', 99),
  };
}
