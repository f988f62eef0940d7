/** @file The one table of error codes, and the one error the engine throws on purpose. */
import { poll } from './interrupt.ts';

/** gRPC's canonical status names that this project uses. */
export type StatusName =
  | 'INVALID_ARGUMENT'
  | 'FAILED_PRECONDITION'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'ABORTED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED'
  | 'CANCELLED'
  | 'UNAUTHENTICATED'
  | 'PERMISSION_DENIED'
  | 'UNIMPLEMENTED'
  | 'INTERNAL';

interface ErrorRow {
  /** The gRPC status; the HTTP status follows from it unless `http` says otherwise. */
  readonly status: StatusName;
  /** The HTTP status where gRPC's vocabulary is coarser than HTTP's. */
  readonly http?: number;
  /** What it means, in one sentence that fits every occurrence. */
  readonly title: string;
  /** Seconds after which the same request may be sent again, where that may help and the error does not know better. */
  readonly retryAfter?: number;
}

/** Every error code of the API; no other code ever reaches a client. */
export const ERRORS = {
  invalid_json: { status: 'INVALID_ARGUMENT', title: 'The body is not valid JSON.' },
  invalid_request: { status: 'INVALID_ARGUMENT', title: 'The request does not have the expected form.' },
  invalid_graph: { status: 'INVALID_ARGUMENT', title: 'The graph document is not well formed.' },
  invalid_text: { status: 'INVALID_ARGUMENT', title: 'The text graph could not be read.' },
  invalid_tensor: { status: 'INVALID_ARGUMENT', title: 'A tensor is not well formed.' },
  unknown_name: { status: 'INVALID_ARGUMENT', title: 'A name is not defined before it is read.' },
  duplicate_name: { status: 'INVALID_ARGUMENT', title: 'A name is defined twice.' },
  unknown_op: { status: 'INVALID_ARGUMENT', title: 'There is no op of that name.' },
  invalid_params: { status: 'INVALID_ARGUMENT', title: "An op's params are not valid." },
  wrong_arity: { status: 'INVALID_ARGUMENT', title: 'An op was given the wrong number of inputs.' },
  type_mismatch: { status: 'INVALID_ARGUMENT', title: 'A tensor has the wrong dtype or shape.' },
  missing_value: { status: 'INVALID_ARGUMENT', title: 'An input or variable has no value.' },
  unexpected_value: { status: 'INVALID_ARGUMENT', title: 'A value was sent for a name the graph does not have.' },
  invalid_source: { status: 'INVALID_ARGUMENT', title: 'A source, target or watch does not name a usable tensor.' },
  not_differentiable: { status: 'INVALID_ARGUMENT', title: 'A derivative was asked for that is not defined.' },
  order_too_high: { status: 'INVALID_ARGUMENT', title: 'The derivative order is over the limit.' },
  limit_exceeded: { status: 'INVALID_ARGUMENT', title: 'The request is over a limit listed in GET /v1/limits.' },
  quarantined: {
    status: 'FAILED_PRECONDITION',
    title: 'The service or its engines ended more than once while they served this, and do not begin it again.',
  },
  cost_exceeded: { status: 'FAILED_PRECONDITION', title: 'The computation would cost more than the limits allow.' },
  unauthenticated: { status: 'UNAUTHENTICATED', title: 'The request carries no valid API key.' },
  permission_denied: { status: 'PERMISSION_DENIED', title: 'The caller may not do this.' },
  not_found: { status: 'NOT_FOUND', title: 'There is no such resource.' },
  already_exists: { status: 'ALREADY_EXISTS', title: 'There is a resource of that name already.' },
  tape_used: {
    status: 'FAILED_PRECONDITION',
    http: 409,
    title: 'A non-persistent tape has computed its one set of gradients.',
  },
  tape_state: { status: 'FAILED_PRECONDITION', http: 409, title: 'The tape is not in a state for this.' },
  version_required: {
    status: 'FAILED_PRECONDITION',
    http: 428,
    title: 'A variable that exists is assigned under the version that the client has seen.',
  },
  version_mismatch: { status: 'ABORTED', title: 'The variable has another version by now.' },
  request_in_progress: {
    status: 'ABORTED',
    http: 409,
    title: 'The same idempotent request is still being served.',
    retryAfter: 1,
  },
  idempotency_mismatch: {
    status: 'FAILED_PRECONDITION',
    title: 'The idempotency key was used for another request.',
  },
  quota_exceeded: { status: 'RESOURCE_EXHAUSTED', title: 'The tenant or the session is over a quota.' },
  method_not_allowed: { status: 'UNIMPLEMENTED', http: 405, title: 'The resource does not have that method.' },
  unsupported_media_type: {
    status: 'INVALID_ARGUMENT',
    http: 415,
    title: 'The content type or encoding of the body is not supported.',
  },
  body_too_large: { status: 'RESOURCE_EXHAUSTED', http: 413, title: 'The body is over the size limit.' },
  request_timeout: { status: 'DEADLINE_EXCEEDED', http: 408, title: 'The request was not received in time.' },
  deadline_exceeded: { status: 'DEADLINE_EXCEEDED', title: 'The computation did not finish before its deadline.' },
  cancelled: { status: 'CANCELLED', title: 'The client went away.' },
  rate_limited: {
    status: 'RESOURCE_EXHAUSTED',
    title: 'The tenant asks for more than its share of a busy service.',
    retryAfter: 1,
  },
  overloaded: { status: 'UNAVAILABLE', title: 'The service cannot take the request now.', retryAfter: 1 },
  engine_lost: {
    status: 'UNAVAILABLE',
    title: 'The engine process that computed this ended before it was done.',
    retryAfter: 1,
  },
  unsupported: { status: 'UNIMPLEMENTED', title: 'The request asks for something this build does not do.' },
  device_unfit: { status: 'FAILED_PRECONDITION', title: 'The device that was asked for cannot compute this.' },
  internal: { status: 'INTERNAL', title: 'The service failed; the fault is logged under the request id.' },
} as const satisfies Record<string, ErrorRow>;

/** A code of the error table. */
export type ErrorCode = keyof typeof ERRORS;

/** Every code of the table. */
export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

/** Where an error lies, in the client's own names. */
export interface Where {
  /** The client's node. */
  readonly node?: string;
  /** The op of that node. */
  readonly op?: string;
  /** The client's name of the offending tensor. */
  readonly input?: string;
  /** The offending param. */
  readonly param?: string;
  /** RFC 6901 pointer into the request body. */
  readonly pointer?: string;
}

/** One of several faults found in the same request. */
export interface Violation {
  readonly pointer: string;
  readonly detail: string;
}

/** A fault with a code of the table, a sentence for the client, and the place it lies. */
export class EngineError extends Error {
  readonly code: ErrorCode;
  readonly where: Where;
  readonly violations: readonly Violation[];
  /** Seconds after which the same request may be sent again. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    detail: string,
    where: Where = {},
    violations: readonly Violation[] = [],
    retryAfter: number | undefined = (ERRORS[code] as ErrorRow).retryAfter,
  ) {
    super(detail);
    this.name = 'EngineError';
    this.code = code;
    this.where = where;
    this.violations = violations;
    this.retryAfter = retryAfter;
  }

  /** The same error with places added that were not known deeper down; known ones stay. */
  at(where: Where): EngineError {
    return new EngineError(this.code, this.message, { ...where, ...this.where }, this.violations, this.retryAfter);
  }

  /** Any thrown thing as an `EngineError`; a stranger becomes `internal` and keeps its text in `cause` only. */
  static from(reason: unknown): EngineError {
    if (reason instanceof EngineError) return reason;
    const error = new EngineError('internal', ERRORS.internal.title);
    error.cause = reason;
    return error;
  }
}

const HTTP: Record<StatusName, number> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 422,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 412,
  RESOURCE_EXHAUSTED: 429,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
  CANCELLED: 499,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
};

/** The HTTP status of a code. */
export function httpStatus(code: ErrorCode): number {
  const row: ErrorRow = ERRORS[code];
  return row.http ?? HTTP[row.status];
}

/** The candidate nearest to a misspelt word, or `undefined` when none is near. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  // A third of the letters wrong is a typo; more is another word.
  let bestDistance = Math.floor(Math.min(word.length, 64) / 3) + 1;
  for (const candidate of candidates) {
    poll();
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** ` Did you mean 'x'?` for the nearest candidate, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? '' : ` Did you mean '${candidate}'?`;
}

/** ` Did you mean 'x'?` for the nearest candidate; without one, all of them where they are few. */
export function didYouMeanOf(word: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  const guess = didYouMean(word, all);
  if (guess !== '' || all.length === 0 || all.length > 8) return guess;
  return ` There is ${all.map((name) => `'${name}'`).join(', ')}.`;
}

/** Damerau's edit distance restricted to adjacent transpositions. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(substitution, (last[j] as number) + 1, (row[j - 1] as number) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] as number) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] as number;
}
