/** @file What every call passes before anything of it is read: it gets a request id, and needs a key. */
import { randomUUID } from 'node:crypto';
import { type Metadata, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { EngineError } from '../../engine/errors.ts';
import { authenticate } from '../api/auth.ts';
import type { Config } from '../config.ts';
import { statusOf } from './status.ts';

/** Who is behind a call. */
export interface Caller {
  readonly requestId: string;
  readonly tenant: string;
}

const callers = new WeakMap<Metadata, Caller>();

/** The caller whose metadata the guard has let through. */
export function callerOf(metadata: Metadata): Caller {
  const caller = callers.get(metadata);
  if (caller === undefined) throw new Error('a call came around the guard');
  return caller;
}

/** The interceptor of all calls: without a key only the paths in `open` are served. Each call is logged as it ends. */
export function guard(config: Config, log: Logger, open: ReadonlySet<string>): ServerInterceptor {
  return (method, call) => {
    const started = performance.now();
    let requestId: string = randomUUID();
    let logged = false;
    let late: NodeJS.Timeout | undefined;
    const refuse = (reason: EngineError): void => {
      const refusal = statusOf(reason, requestId);
      ended(refusal.code);
      call.sendStatus(refusal);
    };
    const tooLate = (): void => refuse(new EngineError('request_timeout', 'the request was not received in time'));
    const ended = (code: status): void => {
      clearTimeout(late);
      if (logged) return;
      logged = true;
      const ms = Math.round((performance.now() - started) * 1000) / 1000;
      log.info({ request: requestId, rpc: method.path, status: status[code], ms }, 'served');
    };
    return new ServerInterceptingCall(call, {
      start(next) {
        next({
          onReceiveMetadata(metadata, proceed) {
            requestId = sentId(metadata) ?? requestId;
            try {
              const tenant = open.has(method.path) ? '' : authenticate(keyIn(metadata), config.apiKeys);
              callers.set(metadata, { requestId, tenant });
            } catch (reason) {
              return refuse(EngineError.from(reason));
            }
            // A call that is a conversation has no end to wait for.
            if (!(method.requestStream && method.responseStream)) late = setTimeout(tooLate, config.requestTimeout);
            proceed(metadata);
          },
          onReceiveHalfClose(proceed) {
            clearTimeout(late);
            proceed();
          },
          onCancel: () => ended(status.CANCELLED),
        });
      },
      sendMetadata(metadata, next) {
        metadata.set('x-request-id', requestId);
        next(metadata);
      },
      sendStatus(end, next) {
        ended(end.code ?? status.UNKNOWN);
        next(end);
      },
    });
  };
}

/** The client's own id for the call, where it sent a fit one. */
function sentId(metadata: Metadata): string | undefined {
  const [sent] = metadata.get('x-request-id');
  return typeof sent === 'string' && /^[A-Za-z0-9._:-]{1,64}$/.test(sent) ? sent : undefined;
}

/** The one `authorization` of the metadata; several are as none, since it is not said which counts. */
function keyIn(metadata: Metadata): string | undefined {
  const sent = metadata.get('authorization');
  return sent.length === 1 && typeof sent[0] === 'string' ? sent[0] : undefined;
}
