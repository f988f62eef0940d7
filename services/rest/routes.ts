/** @file Paths and their verbs, so that what no route takes gets a helpful refusal. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { didYouMean, EngineError } from '../../engine/errors.ts';

/** Which verbs each path takes. */
export class Routes {
  readonly #verbs = new Map<string, Set<string>>();

  add(url: string, method: string | readonly string[]): void {
    const verbs = this.#verbs.get(url) ?? new Set();
    for (const verb of [method].flat()) verbs.add(verb);
    this.#verbs.set(url, verbs);
  }

  paths(): string[] {
    return [...this.#verbs.keys()].map((url) => url.replace(/:(\w+)/g, '{$1}'));
  }

  verbsAt(path: string): string[] {
    const exact = this.#verbs.get(path);
    if (exact !== undefined) return [...exact];
    const wild = [...this.#verbs.keys()].filter((url) => url.includes(':') && matches(url, path));
    return wild.flatMap((url) => [...(this.#verbs.get(url) ?? [])]);
  }
}

function matches(url: string, path: string): boolean {
  const wanted = url.split('/');
  const given = path.split('/');
  return wanted.length === given.length && wanted.every((part, i) => part.startsWith(':') || part === given[i]);
}

/** Answers a request that no route takes: 204 to OPTIONS, 405 to another verb of a path, 404 to the rest. */
export function refuseRoute(request: FastifyRequest, reply: FastifyReply, routes: Routes): void {
  const path = request.url.replace(/[?#].*$/s, '');
  const verbs = routes.verbsAt(path);
  if (verbs.length === 0) {
    const guess = didYouMean(path.slice(0, 128), routes.paths());
    throw new EngineError('not_found', `there is nothing at this path.${guess}`);
  }
  reply.header('allow', [...verbs, 'OPTIONS'].join(', '));
  if (request.method === 'OPTIONS') {
    reply.code(204).send();
    return;
  }
  throw new EngineError('method_not_allowed', `this path takes ${verbs.join(' and ')}, not ${request.method}`);
}
