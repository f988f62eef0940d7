import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { OPTIMIZERS } from '../../engine/optimizers/index.ts';
import { STOP_REASONS } from '../../engine/optimizers/minimize.ts';
import type { Optimizer } from '../../engine/optimizers/optimizer.ts';
import { SCHEDULES } from '../../engine/optimizers/schedules.ts';
import { minimizeFields } from '../../services/api/optimizers.ts';

const PAGE = readFileSync(new URL('../../docs/optimizers.md', import.meta.url), 'utf8');

interface Field {
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly description?: string;
}

function fieldsOf(schema: z.ZodType): [string, Field][] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input' });
  return Object.entries(properties as Record<string, Field>);
}

function section(title: string): string {
  const start = PAGE.indexOf(`\n### ${title}\n`);
  expect(start, `a section on ${title}`).toBeGreaterThan(0);
  const end = PAGE.slice(start + 1).search(/\n##/);
  return PAGE.slice(start, end === -1 ? undefined : start + 1 + end);
}

test.each(Object.values(OPTIMIZERS))('the page has what the table says of $name', (row) => {
  const { name, doc, learningRate, params, slots } = row as Optimizer<unknown>;
  const text = section(name);
  expect(text).toContain(doc);
  expect(text).toContain(`\`learning_rate\` ${learningRate}`);
  for (const [key, { default: standard, minimum, maximum, description }] of fieldsOf(params)) {
    const range = minimum === undefined ? '' : `${minimum} to ${maximum}`;
    expect(text).toContain(`| \`${key}\` | ${standard} | ${range} | ${description} |`);
  }
  for (const slot of slots) expect(text).toContain(`\`${name}/${slot.name}/w\`: ${slot.doc}`);
  expect(text.match(/^\| `/gm)?.length ?? 0).toBe(fieldsOf(params).length);
});

test.each(Object.entries(SCHEDULES))('the page has what the table says of the schedule %s', (name, { doc, params }) => {
  const given = fieldsOf(params).map(([key, { default: standard }]) =>
    standard === undefined ? `\`${key}\`` : `\`${key}\` (${standard})`,
  );
  expect(PAGE).toContain(`| \`${name}\` | ${doc} | ${given.join(', ')} |`);
});

test('the page has every reason to stop', () => {
  for (const [reason, detail] of Object.entries(STOP_REASONS)) expect(PAGE).toContain(`| \`${reason}\` | ${detail} |`);
});

test('the requests of the page are requests', () => {
  const requests = [...PAGE.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, text]) => JSON.parse(text as string));
  expect(requests.length).toBeGreaterThan(0);
  const schema = z.object(minimizeFields);
  for (const request of requests) expect(schema.safeParse(request).error).toBeUndefined();
});
