/** @file The configuration: everything the service reads from its environment, checked at start-up. */
import { hash } from 'node:crypto';
import { availableParallelism, homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { nearest } from '../engine/errors.ts';
import { DEFAULT_LIMITS, type Limits } from '../engine/limits.ts';

const PREFIX = 'ADJOINT_';
const LIMIT_PREFIX = `${PREFIX}LIMIT_`;

/** Whole milliseconds; a day is longer than any of them is meant to be. */
const milliseconds = z.coerce.number().int().min(1).max(86_400_000);

/** A duration that may be none at all. */
const pause = z.coerce.number().int().min(0).max(86_400_000);

const portSchema = z.coerce.number().int().min(0).max(65_535);

/** How many, or how many bytes. */
const count = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** `tenant:key` pairs separated by commas, kept as digests only. */
const apiKeysSchema = z
  .string()
  .default('')
  .transform((text, context) =>
    text
      .split(',')
      .filter((pair) => pair.trim() !== '')
      .map((pair, index) => {
        const [, tenant, key] = /^\s*([A-Za-z0-9_-]{1,63}):(\S{16,})\s*$/.exec(pair) ?? [];
        // The text is not repeated: it may be a key with a slip in it.
        if (tenant === undefined || key === undefined)
          context.addIssue(`pair ${index + 1} is not 'tenant:key' with a key of 16 characters or more`);
        return { tenant: tenant ?? '', digest: digestOf(key ?? '') };
      }),
  );

/** The variables of the environment, by name. */
const environmentSchema = z.object({
  /** The address to listen on; one that other hosts can reach needs API keys. */
  ADJOINT_HOST: z.string().default('127.0.0.1'),
  /** The port to listen on; 0 takes any that is free. */
  ADJOINT_PORT: portSchema.default(8080),
  /** The port to listen on for gRPC; 0 takes any that is free, `off` serves no gRPC. */
  ADJOINT_GRPC_PORT: z.literal('off').or(portSchema).default(8081),
  /** How long one gRPC connection is kept: clients make a new one, and with it find servers that came later. */
  ADJOINT_GRPC_MAX_CONNECTION_AGE_MS: milliseconds.default(3_600_000),
  ADJOINT_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Who may call: `tenant:key,tenant:key`. */
  ADJOINT_API_KEYS: apiKeysSchema,
  /** Tenants that may see and change what belongs to no tenant; where there are no keys, everybody may. */
  ADJOINT_OPERATORS: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((name) => name.trim() || [])),
  /** Bytes of a request body, and of a gRPC message. */
  ADJOINT_BODY_LIMIT: z.coerce
    .number()
    .int()
    .min(1024)
    .max(2 ** 30)
    .default(64 * 2 ** 20),
  /** Bytes of the bodies of all requests being served; those whose length is not said count as the longest. */
  ADJOINT_IN_FLIGHT_BYTES: count.default(Math.max(2 ** 30, Math.floor(totalmem() / 8))),
  /** Connections open at once. */
  ADJOINT_MAX_CONNECTIONS: z.coerce.number().int().min(1).max(1_000_000).default(10_000),
  /** Until the headers of a request must have come. */
  ADJOINT_HEADERS_TIMEOUT_MS: milliseconds.default(10_000),
  /** Until a whole request, body included, must have come. */
  ADJOINT_REQUEST_TIMEOUT_MS: milliseconds.default(60_000),
  /** How long an idle connection is kept. */
  ADJOINT_KEEP_ALIVE_TIMEOUT_MS: milliseconds.default(72_000),
  /** The deadline of a computation that names none. */
  ADJOINT_TIMEOUT_MS: milliseconds.default(30_000),
  /** The longest deadline a request may ask for. */
  ADJOINT_MAX_TIMEOUT_MS: milliseconds.default(300_000),
  /** How long a silent stream is left before a comment says that it lives. */
  ADJOINT_HEARTBEAT_MS: milliseconds.default(15_000),
  /** The folder where sessions and operations are kept; `memory` keeps them no longer than the process. */
  ADJOINT_DATA: z.string().default(join(process.env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'adjoint')),
  /** Sessions of one tenant. */
  ADJOINT_SESSIONS_PER_TENANT: count.default(1_000),
  /** Tapes of one session. */
  ADJOINT_TAPES_PER_SESSION: count.default(1_000),
  /** Events on record of one tape: what was recorded, watched, paused and so on since it was opened or reset. */
  ADJOINT_EVENTS_PER_TAPE: count.default(100_000),
  /** Bytes that one session may keep. */
  ADJOINT_SESSION_BYTES: count.default(2 ** 30),
  /** Bytes of values of variables and tapes held in memory; what is let go is read or computed again. */
  ADJOINT_SESSION_MEMORY: count.default(2 ** 30),
  /** Sessions held in memory. */
  ADJOINT_RESIDENT_SESSIONS: count.default(10_000),
  /** How often what has expired is removed. */
  ADJOINT_SWEEP_INTERVAL_MS: milliseconds.default(60_000),
  /** Bytes of the replies to named requests and of the graphs that are kept for one tenant. */
  ADJOINT_KEPT_BYTES: count.default(2 ** 30),
  /** How long the reply to a request with an idempotency key is kept. */
  ADJOINT_IDEMPOTENCY_TTL_MS: milliseconds.default(86_400_000),
  /** How long a graph is kept after it was put or used. */
  ADJOINT_GRAPH_TTL_MS: milliseconds.default(86_400_000),
  /** Operations that run at once. */
  ADJOINT_OPERATIONS_AT_ONCE: z.coerce.number().int().min(1).max(1024).default(2),
  /** Operations that wait for their turn. */
  ADJOINT_OPERATIONS_QUEUE: z.coerce.number().int().min(1).max(100_000).default(256),
  /** Operations of one tenant that wait or run. */
  ADJOINT_OPERATIONS_UNFINISHED: z.coerce.number().int().min(1).max(100_000).default(32),
  /** Operations of one tenant that have not been deleted or expired. */
  ADJOINT_OPERATIONS_KEPT: z.coerce.number().int().min(1).max(100_000).default(1000),
  /** Bytes of the requests and responses of one tenant's operations. */
  ADJOINT_OPERATIONS_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 40)
    .default(2 ** 30),
  /** The longest an operation may run. */
  ADJOINT_OPERATION_TIMEOUT_MS: milliseconds.default(3_600_000),
  /** How long an operation is kept after its end. */
  ADJOINT_OPERATION_TTL_MS: milliseconds.default(3_600_000),
  /** From not ready to not listening: the time a load balancer needs to notice. */
  ADJOINT_DRAIN_DELAY_MS: pause.default(0),
  /** How long requests in flight may go on when the service stops. */
  ADJOINT_DRAIN_TIMEOUT_MS: milliseconds.default(25_000),
  /** What computes: `native` code always, JavaScript always (`portable`), or by `auto` what is quicker for each graph. */
  ADJOINT_BACKEND: z.enum(['auto', 'native', 'portable']).default('auto'),
  /** The path of libLLVM, versions 15 to 22; by default the newest that the system has. */
  ADJOINT_LLVM: z.string().optional(),
  /** The path of OpenBLAS; by default the system's. */
  ADJOINT_OPENBLAS: z.string().optional(),
  /** Bytes, roughly, of checked graphs and compiled programs that are remembered. */
  ADJOINT_ENGINE_MEMORY: count.default(2 ** 30),
  /** Threads of one computation; by default one per processor. */
  ADJOINT_THREADS: z.coerce.number().int().min(1).max(1024).optional(),
  /** Engine processes; 0 computes in the process that serves, where a fault or a long computation stops all. */
  ADJOINT_WORKERS: z.coerce
    .number()
    .int()
    .min(0)
    .max(256)
    .default(Math.max(2, Math.ceil(availableParallelism() / 4))),
  /** Engine processes that are started and wait for one of the others to end. */
  ADJOINT_SPARE_WORKERS: z.coerce.number().int().min(0).max(16).default(1),
  /** Whether to compute on a gpu: `auto` where there is one, `off` never, or `required`: without one nothing starts. */
  ADJOINT_GPU: z.enum(['auto', 'off', 'required']).default('auto'),
  /** Whether an adapter will do that is a program on the processor: 1 for yes. */
  ADJOINT_GPU_SOFTWARE: z.enum(['0', '1']).default('0'),
  /** Bytes of a gpu that may be used. */
  ADJOINT_GPU_MEMORY: count.default(2 ** 32),
  /** Requests that wait for an engine. */
  ADJOINT_QUEUE: z.coerce.number().int().min(1).max(100_000).default(256),
  /** Scalar operations up to which a known computation is done in the process that serves; 0 for none. */
  ADJOINT_INLINE_FLOPS: z.coerce.number().int().min(0).max(1e9).default(50_000),
  /** Microseconds that a computation waits in an engine process for others like it, to be run as one; 0 for none. */
  ADJOINT_BATCH_WINDOW_US: z.coerce.number().int().min(0).max(1_000_000).default(0),
  /** Computations that are run as one. */
  ADJOINT_BATCH_SIZE: z.coerce.number().int().min(2).max(64).default(32),
  /** Until an engine process is ended that goes on with what nobody wants any more. */
  ADJOINT_GRACE_MS: milliseconds.default(2000),
  /** Bytes of memory that one engine process may take before it is ended; by default its share of three quarters. */
  ADJOINT_WORKER_MEMORY: count.optional(),
  /** The folder where compiled code is kept from one start to the next; `off` for none. */
  ADJOINT_CODE_CACHE: z.string().default(join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'adjoint')),
});

const configSchema = environmentSchema
  .refine((env) => env.ADJOINT_API_KEYS.length > 0 || isLoopback(env.ADJOINT_HOST), {
    path: ['ADJOINT_HOST'],
    message: 'other hosts can reach this address: set ADJOINT_API_KEYS, or listen on 127.0.0.1',
  })
  .refine((env) => env.ADJOINT_HEADERS_TIMEOUT_MS <= env.ADJOINT_REQUEST_TIMEOUT_MS, {
    path: ['ADJOINT_HEADERS_TIMEOUT_MS'],
    message: 'must not be longer than ADJOINT_REQUEST_TIMEOUT_MS',
  })
  .refine((env) => env.ADJOINT_TIMEOUT_MS <= env.ADJOINT_MAX_TIMEOUT_MS, {
    path: ['ADJOINT_TIMEOUT_MS'],
    message: 'must not be longer than ADJOINT_MAX_TIMEOUT_MS',
  })
  .refine((env) => env.ADJOINT_BODY_LIMIT <= env.ADJOINT_IN_FLIGHT_BYTES, {
    path: ['ADJOINT_IN_FLIGHT_BYTES'],
    message: 'must not be less than ADJOINT_BODY_LIMIT',
  })
  .refine((env) => env.ADJOINT_GPU !== 'required' || env.ADJOINT_WORKERS > 0, {
    path: ['ADJOINT_GPU'],
    message: 'a gpu is used by a process of its own: set ADJOINT_WORKERS to 1 or more',
  })
  .transform((env) => ({
    host: env.ADJOINT_HOST,
    port: env.ADJOINT_PORT,
    grpcPort: env.ADJOINT_GRPC_PORT === 'off' ? undefined : env.ADJOINT_GRPC_PORT,
    grpcMaxConnectionAge: env.ADJOINT_GRPC_MAX_CONNECTION_AGE_MS,
    logLevel: env.ADJOINT_LOG_LEVEL,
    apiKeys: env.ADJOINT_API_KEYS,
    operators: env.ADJOINT_OPERATORS,
    bodyLimit: env.ADJOINT_BODY_LIMIT,
    inFlightBytes: env.ADJOINT_IN_FLIGHT_BYTES,
    maxConnections: env.ADJOINT_MAX_CONNECTIONS,
    headersTimeout: env.ADJOINT_HEADERS_TIMEOUT_MS,
    requestTimeout: env.ADJOINT_REQUEST_TIMEOUT_MS,
    keepAliveTimeout: env.ADJOINT_KEEP_ALIVE_TIMEOUT_MS,
    timeout: env.ADJOINT_TIMEOUT_MS,
    maxTimeout: env.ADJOINT_MAX_TIMEOUT_MS,
    heartbeat: env.ADJOINT_HEARTBEAT_MS,
    data: env.ADJOINT_DATA,
    sweepInterval: env.ADJOINT_SWEEP_INTERVAL_MS,
    sessions: {
      perTenant: env.ADJOINT_SESSIONS_PER_TENANT,
      tapes: env.ADJOINT_TAPES_PER_SESSION,
      events: env.ADJOINT_EVENTS_PER_TAPE,
      quota: env.ADJOINT_SESSION_BYTES,
      memory: env.ADJOINT_SESSION_MEMORY,
      resident: env.ADJOINT_RESIDENT_SESSIONS,
    },
    idempotencyTtl: env.ADJOINT_IDEMPOTENCY_TTL_MS,
    graphTtl: env.ADJOINT_GRAPH_TTL_MS,
    keptBytes: env.ADJOINT_KEPT_BYTES,
    operations: {
      atOnce: env.ADJOINT_OPERATIONS_AT_ONCE,
      queue: env.ADJOINT_OPERATIONS_QUEUE,
      unfinishedPerTenant: env.ADJOINT_OPERATIONS_UNFINISHED,
      perTenant: env.ADJOINT_OPERATIONS_KEPT,
      bytesPerTenant: env.ADJOINT_OPERATIONS_BYTES,
      timeout: env.ADJOINT_OPERATION_TIMEOUT_MS,
      ttl: env.ADJOINT_OPERATION_TTL_MS,
    },
    drainDelay: env.ADJOINT_DRAIN_DELAY_MS,
    drainTimeout: env.ADJOINT_DRAIN_TIMEOUT_MS,
    backend: env.ADJOINT_BACKEND,
    engineMemory: env.ADJOINT_ENGINE_MEMORY,
    workers: env.ADJOINT_WORKERS,
    spareWorkers: env.ADJOINT_SPARE_WORKERS,
    queue: env.ADJOINT_QUEUE,
    gpu: { use: env.ADJOINT_GPU, software: env.ADJOINT_GPU_SOFTWARE === '1', memory: env.ADJOINT_GPU_MEMORY },
    inlineFlops: env.ADJOINT_INLINE_FLOPS,
    batch: { windowMicroseconds: env.ADJOINT_BATCH_WINDOW_US, size: env.ADJOINT_BATCH_SIZE },
    grace: env.ADJOINT_GRACE_MS,
    workerMemory: env.ADJOINT_WORKER_MEMORY ?? Math.floor((0.75 * totalmem()) / Math.max(1, env.ADJOINT_WORKERS)),
    native: {
      ...(env.ADJOINT_LLVM === undefined ? {} : { llvm: env.ADJOINT_LLVM }),
      ...(env.ADJOINT_OPENBLAS === undefined ? {} : { blas: env.ADJOINT_OPENBLAS }),
      ...(env.ADJOINT_THREADS === undefined ? {} : { threads: env.ADJOINT_THREADS }),
      ...(env.ADJOINT_CODE_CACHE === 'off' ? {} : { cache: env.ADJOINT_CODE_CACHE }),
    },
  }));

/** The configuration in force; durations are milliseconds. */
export type Config = z.output<typeof configSchema> & { readonly limits: Limits };

/** One API key: whom it belongs to, and the SHA-256 digest that a caller's key is compared with. */
export type ApiKey = Config['apiKeys'][number];

/** A configuration that cannot be used; the message has one line for each faulty variable. */
export class ConfigError extends Error {
  constructor(faults: readonly string[]) {
    super(faults.join('\n'));
    this.name = 'ConfigError';
  }
}

/** The configuration that an environment describes; throws `ConfigError` naming every faulty variable. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  // Compose files and shells leave empty what is not set.
  const set = Object.entries(environment).filter(([name, value]) => name.startsWith(PREFIX) && value);
  const faults = set.flatMap(([name]) => misspelling(name));
  const parsed = configSchema.safeParse(Object.fromEntries(set));
  for (const issue of parsed.error?.issues ?? []) faults.push(`${issue.path.join('.')}: ${issue.message}`);
  const limits = readLimits(set, faults);
  if (!parsed.success || faults.length > 0) throw new ConfigError(faults);
  return { ...parsed.data, limits };
}

/** The digest under which an API key is kept and compared. */
export function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer');
}

function readLimits(set: readonly (readonly [string, string | undefined])[], faults: string[]): Limits {
  const limits: { -readonly [Name in keyof Limits]: Limits[Name] } = { ...DEFAULT_LIMITS };
  for (const [variable, text] of set) {
    const name = LIMIT_NAMES.get(variable);
    if (name === undefined) continue;
    const parsed = limitSchema(name).safeParse(text);
    if (parsed.success) limits[name] = parsed.data;
    else faults.push(`${variable}: ${parsed.error.issues[0]?.message}`);
  }
  return limits;
}

const LIMIT_NAMES: ReadonlyMap<string, keyof Limits> = new Map(
  (Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]).map((name) => [LIMIT_PREFIX + name.toUpperCase(), name]),
);

/** Limits that the document's schema or 32-bit indices also hold; the others may be any safe integer. */
const CEILINGS: Partial<Limits> = { rank: 8, name_length: 128, elements: 2 ** 31 - 1, constant_elements: 2 ** 31 - 1 };

function limitSchema(name: keyof Limits): z.ZodType<number> {
  return z.coerce
    .number()
    .int()
    .min(1)
    .max(CEILINGS[name] ?? Number.MAX_SAFE_INTEGER);
}

/** A fault for a name near one of ours; a variable of some other tool with our prefix is none of our business. */
function misspelling(name: string): string[] {
  const known = [...Object.keys(environmentSchema.shape), ...LIMIT_NAMES.keys()];
  if (known.includes(name)) return [];
  // The prefix, which is always right, would make any two short names look alike.
  const guess = nearest(
    name.slice(PREFIX.length),
    known.map((other) => other.slice(PREFIX.length)),
  );
  if (guess !== undefined) return [`${name}: there is no such variable. Did you mean '${PREFIX}${guess}'?`];
  return name.startsWith(LIMIT_PREFIX) ? [`${name}: there is no such limit`] : [];
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
