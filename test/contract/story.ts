/** @file What the examples of the method table are about: a session with variables, a tape, an operation and a graph. */
import type { Method } from '../../services/api/method.ts';
import type { Client } from '../tape/harness.ts';

/** The names that paths have in braces. */
export interface Story {
  readonly session: string;
  readonly tape: string;
  readonly name: string;
  readonly operation: string;
  readonly graph: string;
}

/** Tells the story anew; the example of `method` comes next. */
export async function tell(service: Client, method: Pick<Method, 'name'>): Promise<Story> {
  const variables = {
    w: { value: [1, 2, 3] },
    X: {
      value: [
        [1, 2],
        [3, 4],
      ],
    },
  };
  const { session } = (await service.ok('/v1/sessions', { variables })).session;
  const tapes = `/v1/sessions/${session}/tapes`;
  await service.ok(tapes, { tape: 't', persistent: true });
  await service.ok(`${tapes}/t/record`, { graph: 'y = w ** 2; Y = X ** 2; loss = sum(y)' });
  if (method.name === 'ResumeTape') await service.ok(`${tapes}/t/pause`, {});
  const started = { method: 'Evaluate', request: { graph: 'y = x', values: { x: 1 } } };
  const { operation } = (await service.ok('/v1/operations', started)).operation;
  const { graph } = await service.ok('/v1/graphs', { graph: 'y = x' });
  return { session, tape: 't', name: 'w', operation, graph: graph.id };
}

/** A path with the names of the story in it. */
export function pathIn(story: Story, path: string): string {
  return path.replace(/\{(\w+)\}/g, (_, name: keyof Story) => story[name]);
}
