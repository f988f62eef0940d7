/** @file What the methods of graphs share. */
import { z } from 'zod';

/** A kept graph, as requests name it. */
export const graphReferenceSchema = z
  .object({ id: z.string().meta({ description: 'sha256: and the digest of the document in its canonical form.' }) })
  .meta({ id: 'GraphReference' });

/** When a graph is forgotten. */
export const graphExpirySchema = z
  .string()
  .meta({ description: 'When it is forgotten, unless it is used until then.' });
