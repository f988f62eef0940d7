/** @file The parts that the methods of tapes share. */
import { z } from 'zod';
import { boundedArray, nameSchema } from '../../../engine/program/document.ts';
import { formatType } from '../../../engine/types.ts';
import type { Nest, TapeState } from '../../sessions/nest.ts';
import type { EngineContext } from '../method.ts';
import { computingFields, optionsSchema, referenceSchema } from '../schemas.ts';
import { sessionSchema } from '../sessions/schemas.ts';

/** A tape's id. */
export const tapeSchema = z.string().max(64).meta({ description: "The tape's id." });

/** A tape that a client names itself. */
export const newTapeSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be a letter, then up to 63 letters, digits, _ and -')
  .optional()
  .meta({ description: 'An id of your own; one is made up when it is absent.' });

/** Where every method of a tape finds it. */
export const tapeFields = { session: sessionSchema, tape: tapeSchema };

/** Names of tensors or variables. */
export const namesSchema = boundedArray(referenceSchema, 1000);

/** Where a derivative is recorded. */
export const recordSchema = z
  .strictObject({
    tape: tapeSchema,
    as: nameSchema.meta({ description: "What it is called there; with several sources, '<as>/<source>'." }),
  })
  .optional()
  .meta({
    description:
      'Records the derivative onto this tape: the same one where it is persistent, or one around it. It can then be ' +
      'differentiated in turn.',
  });

/** What every method that asks a tape has. */
export const askFields = { ...tapeFields, record: recordSchema, options: optionsSchema };

/** A tape. */
export const tapeInfoSchema = z
  .object({
    tape: z.string(),
    state: z.enum(['recording', 'paused', 'used']),
    persistent: z.boolean(),
    watch_accessed_variables: z.boolean(),
    outer: z.string().nullable().meta({ description: 'The tape around it.' }),
    watched_variables: z
      .array(z.string())
      .meta({ description: 'In the order in which they were first read, then those named and not yet read.' }),
    tensors: z.record(z.string(), z.string()).meta({ description: 'What can be named, and its type.' }),
    fragments: z.number().meta({ description: 'How many it has recorded.' }),
    resident_bytes: z.number().meta({ description: 'Of values kept at hand, with the tapes around it and within it.' }),
  })
  .meta({ id: 'TapeInfo' });

/** A tape as its clients see it. */
export function tapeInfo({ names, recording }: Nest, state: TapeState): z.output<typeof tapeInfoSchema> {
  return {
    tape: state.id,
    state: state.state,
    persistent: state.persistent,
    watch_accessed_variables: state.watchesAccessed,
    outer: state.outer,
    watched_variables: [...new Set([...state.reads.keys(), ...state.named])],
    tensors: Object.fromEntries([...names].map(([name, { type }]) => [name, formatType(type)])),
    fragments: state.fragments,
    resident_bytes: recording.bytes,
  };
}

/** What a reply of a tape says beside its results. */
export const tapeMetaSchema = z.object({
  ...computingFields,
  backend: z.string(),
  forward_passes: z
    .number()
    .meta({ description: 'How many recorded graphs were run to answer; none when their values were at hand.' }),
  rebuilt: z.boolean().meta({ description: 'Whether values had been let go, or lost, and were computed again.' }),
  timing: z.record(z.string(), z.number()).meta({ description: 'Milliseconds by stage.' }),
});

/** Counts what a request takes; call the result for the reply's `meta`. */
export function startMeta(
  { recording }: Nest,
  { device }: EngineContext,
): (backend: string) => z.output<typeof tapeMetaSchema> {
  const started = performance.now();
  const { passes, rebuilt } = recording;
  return (backend) => ({
    ...device,
    backend,
    forward_passes: recording.passes - passes,
    rebuilt: recording.rebuilt > rebuilt,
    timing: { run: Math.round((performance.now() - started) * 1000) / 1000 },
  });
}
