/** @file Which tensors of a recording a derivative of the targets reaches, and what stands between for the others. */
import type { Var } from '../program/program.ts';
import { type Link, links } from '../transform/connect.ts';
import type { Entry, Recorded } from './recording.ts';
import { flattened, type Tape } from './tape.ts';

/** What stands between a tensor and the targets on a tape; `not_recorded`: only what the tape did not record. */
export type TapeLink = Link | 'not_recorded';

/** For tensors of a recording, their links to the targets on a tape; `taken` is what each choice took, where known. */
export function tapeLinks(
  tape: Tape,
  entries: readonly Entry[],
  targets: readonly Recorded[],
  taken: (selector: Recorded) => number | undefined,
): (tensor: Recorded) => TapeLink {
  const onTape = through(
    tape.entries,
    targets,
    taken,
    // What the tape began to watch after an entry had read it does not enter there.
    (entry, input) => tape.isOn(entry.args[input] as Recorded) && !tape.wasOn(entry, input),
  );
  let inAll: ((tensor: Recorded) => Link) | undefined;
  return (tensor) => {
    const link = onTape(tensor);
    if (link !== 'not_on_path') return link;
    inAll ??= through(entries, targets, taken);
    return inAll(tensor) === 'not_on_path' ? 'not_on_path' : 'not_recorded';
  };
}

function through(
  entries: readonly Entry[],
  targets: readonly Recorded[],
  taken: (selector: Recorded) => number | undefined,
  isCut?: (entry: Entry, input: number) => boolean,
): (tensor: Recorded) => Link {
  const { program, variableOf } = flattened(entries, isCut);
  const selectors = new Map<Var, Recorded>();
  for (const { tensors } of entries) for (const tensor of tensors) selectors.set(variableOf(tensor), tensor);
  const link = links(program, targets.map(variableOf), (selector) => {
    const tensor = selectors.get(selector);
    return tensor && taken(tensor);
  });
  return (tensor) => link(variableOf(tensor));
}
