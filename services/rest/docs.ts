/** @file The reference page: Swagger UI from our own disk, under a policy that lets it load nothing else. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply } from 'fastify';

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Adjoint API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/page.js"></script>
</body>
</html>
`;

// validatorUrl: the default would send the document to a stranger's server.
const SCRIPT = `SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
`;

const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** What is served from the package, and as what; nothing that is not listed is ever read. */
const ASSETS = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': JAVASCRIPT,
  'favicon-32x32.png': 'image/png',
} as const;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Adds `/docs` and what it loads. */
export function addDocs(app: FastifyInstance): void {
  app.get('/docs', (_, reply) => sendPage(reply, 'text/html; charset=utf-8', PAGE));
  app.get('/docs/page.js', (_, reply) => sendPage(reply, JAVASCRIPT, SCRIPT));
  for (const [name, type] of Object.entries(ASSETS)) {
    const path = fileURLToPath(import.meta.resolve(`swagger-ui-dist/${name}`));
    let content: Promise<Buffer> | undefined;
    app.get(`/docs/${name}`, async (_, reply) => {
      // Read once and only when somebody looks at the page.
      content ??= readFile(path);
      reply.header('cache-control', 'public, max-age=3600');
      return sendPage(reply, type, await content);
    });
  }
}

function sendPage(reply: FastifyReply, type: string, content: string | Buffer): FastifyReply {
  return reply
    .header('content-security-policy', POLICY)
    .header('x-content-type-options', 'nosniff')
    .header('content-type', type)
    .send(content);
}
