import { z } from 'zod';
import { method } from '../method.ts';
import { pageFields } from '../schemas.ts';
import { rowInfo, sessionInfoSchema } from './schemas.ts';

/** The tenant's sessions, page by page. */
export const listSessions = method({
  name: 'ListSessions',
  summary: "The caller's sessions, by id, page by page.",
  verb: 'GET',
  path: '/v1/sessions',
  request: z.strictObject(pageFields),
  response: z.object({
    sessions: z.array(sessionInfoSchema.pick({ session: true, created_at: true, expires_at: true, ttl_seconds: true })),
    next_page_token: z.string().meta({ description: 'Empty on the last page.' }),
  }),
  examples: [],
  handle: async ({ page_size, page_token }, { sessions, tenant }) => {
    const rows = await sessions.list(tenant, page_token, page_size + 1);
    const page = rows.slice(0, page_size);
    return {
      sessions: page.map(rowInfo),
      next_page_token: rows.length > page.length ? (page.at(-1)?.id ?? '') : '',
    };
  },
});
