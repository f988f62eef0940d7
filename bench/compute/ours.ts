/** @file The engine as a contestant: a process of its own that answers the questions of `protocol.ts`. */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Backend } from '../../engine/backends/backend.ts';
import { openGpu } from '../../engine/backends/gpu/gpu.ts';
import { derive, withoutShifts } from '../../engine/derive.ts';
import { createEngine } from '../../engine/engine.ts';
import { bindValue } from '../../engine/program/bind.ts';
import { build } from '../../engine/program/build.ts';
import { Value } from '../../engine/program/value.ts';
import type { Tensor, TensorType, TypedArray } from '../../engine/types.ts';
import { warmUp } from '../../engine/warm-up.ts';
import { residentBytes } from '../processes.ts';
import { CASES, type Case, resultsOf, titleOf } from './cases.ts';
import { type Filed, fromFile, type Question, type Replies, toFile } from './protocol.ts';
import { timed } from './timed.ts';

/** The gpu, where the benchmark asks for it. */
async function gpuBackend(): Promise<Backend> {
  const opened = await openGpu();
  if ('reason' in opened) throw new Error(opened.reason);
  return opened.backend;
}

const ON_GPU = process.argv.includes('--gpu');
const engine = createEngine(ON_GPU ? { backend: await gpuBackend() } : {});

/** A case that is compiled and has its inputs. */
interface Ready {
  call(): Promise<Tensor[]> | Tensor[];
  /** A call whose results are dropped at once, as the peers drop theirs. */
  callAndDrop(): Promise<void> | void;
  /** The places of the results among the outputs. */
  readonly places: readonly number[];
  readonly plannedBytes: number;
}

/** All that a client waits for but the run: the graph read, checked, differentiated and compiled. */
function ready(
  { graph: json, values: wanted, transforms }: Pick<Case, 'graph' | 'values' | 'transforms'>,
  names: readonly string[],
  values: ReadonlyMap<string, Value>,
): Ready {
  const graph = build(engine.readGraph(json()), values, engine.limits);
  const { program, inputs, outputs } = withoutShifts(derive(graph, wanted, transforms, engine.limits));
  const executable = engine.compile(program);
  const arrays = inputs.map((name, i): TypedArray => {
    const value = values.get(name);
    if (!value) throw new Error(`nothing feeds '${name}'`);
    return bindValue(value, program.inputs[i]?.type as TensorType, name);
  });
  return {
    call: () => executable.run(arrays),
    callAndDrop: () => {
      const outputs = executable.run(arrays);
      if (outputs instanceof Promise) return outputs.then((made) => executable.release(made));
      return executable.release(outputs);
    },
    places: names.map((name) => outputs.indexOf(name)),
    plannedBytes: executable.plan.cost.peakBytes,
  };
}

let current: Case | undefined;
let values: ReadonlyMap<string, Value> = new Map();
let compiled: Ready | undefined;
let residentBefore = 0;

async function answer(question: Question): Promise<Replies[keyof Replies]> {
  switch (question.ask) {
    case 'prepare': {
      // As the service does when it starts: what is set up once is not counted as the case's.
      if (!ON_GPU) await warmUp(engine);
      current = CASES.find((candidate) => titleOf(candidate) === question.title);
      globalThis.gc?.();
      residentBefore = resident().now;
      values = new Map(
        question.inputs.map((input) => [input.name, new Value(input.dtype, input.shape, fromFile(input).data)]),
      );
      return { version: engine.backend };
    }
    case 'first': {
      const asked = current as Case;
      resetPeak();
      const started = performance.now();
      compiled = ready(asked, resultsOf(asked), values);
      const outputs = await compiled.call();
      const ms = performance.now() - started;
      const peak = resident().peak - residentBefore;
      const results = written(outputs, question.folder);
      return { ms, results, peak_bytes: peak, planned_bytes: compiled.plannedBytes };
    }
    case 'time':
      return timed((compiled as Ready).callAndDrop, question.seconds, question.most_seconds);
    case 'again':
      return { results: written(await (compiled as Ready).call(), question.folder) };
    default:
      return question satisfies never;
  }
}

function written(outputs: readonly Tensor[], folder: string): Filed[] {
  return resultsOf(current as Case).map((name, i) =>
    toFile(name, outputs[compiled?.places[i] as number] as Tensor, `${folder}/${i}`),
  );
}

/** Bytes of this process in memory: now, and the most since `resetPeak`. */
function resident(): { readonly now: number; readonly peak: number } {
  return {
    now: residentBytes('self', 'VmRSS') ?? process.memoryUsage.rss(),
    peak: residentBytes('self', 'VmHWM') ?? process.resourceUsage().maxRSS * 1024,
  };
}

/** Where the kernel cannot, the peak is that of the whole life of the process: more than it should be, never less. */
function resetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {}
}

for await (const line of createInterface({ input: process.stdin })) {
  const reply = await answer(JSON.parse(line) as Question).catch((reason: unknown) => ({
    error: reason instanceof Error ? reason.message : String(reason),
  }));
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
