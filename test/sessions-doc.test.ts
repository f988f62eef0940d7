/** @file The page on sessions: every request in it is sent, and every reply holds what it shows. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { client, expectClose, type Json, type Verb } from './tape/harness.ts';

interface Step {
  readonly verb: Verb;
  readonly path: string;
  readonly body: unknown;
  /** What the reply holds, where the page shows it. */
  readonly shown: Json | undefined;
}

/** The requests of the page in order, each with the reply that follows it. */
function stepsOf(page: string): Step[] {
  const blocks = [...page.matchAll(/^```(http|json)\n([\s\S]*?)^```$/gm)];
  return blocks.flatMap(([, kind, text = ''], i) => {
    if (kind !== 'http') return [];
    const [line = '', ...rest] = text.split('\n');
    const [verb, path = ''] = line.split(' ');
    const next = blocks[i + 1];
    const shown = next?.[1] === 'json' ? JSON.parse(next[2] as string) : undefined;
    return [{ verb: verb as Verb, path, body: JSON.parse(rest.join('\n')), shown }];
  });
}

/** The part of a reply that the page shows. */
function partOf(reply: Json, shown: Json): Json {
  if (Array.isArray(shown) && Array.isArray(reply)) return reply.map((item, i) => partOf(item, shown[i]));
  if (typeof shown !== 'object' || shown === null || Array.isArray(shown)) return reply;
  return Object.fromEntries(Object.keys(shown).map((key) => [key, partOf(reply?.[key], shown[key])]));
}

test('docs/sessions.md', async () => {
  const service = client();
  const steps = stepsOf(readFileSync(new URL('../docs/sessions.md', import.meta.url), 'utf8'));
  expect(steps).toHaveLength(15);
  let session = '';
  for (const { verb, path, body, shown } of steps) {
    const reply = await service.send(verb, path.replace('{session}', session), body);
    expect(reply.status, `${verb} ${path}: ${reply.text}`).toBeLessThan(300);
    session ||= reply.body.session.session;
    if (shown !== undefined) expectClose(partOf(reply.body, shown), shown, 1e-5, `${verb} ${path}`);
  }
});
