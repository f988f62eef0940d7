/** @file A job on its way: it waits, runs at a place of a worker, may have to run again, and ends once. */
import type { EngineError } from '../../engine/errors.ts';
import type { Device as Asked } from '../api/compute.ts';
import type { EngineMethod, Terms } from '../api/method.ts';
import type { Hold } from '../sessions/home.ts';
import type { Slot } from './fleet.ts';
import type { Waiting } from './queue.ts';

/** What comes of a job: a message of its stream, or its end. */
export type Event = { readonly message: unknown } | { readonly response: unknown };

/** What a job is about, and where it is to go. */
type Whither = Pick<Task, 'subject' | 'name' | 'asked' | 'device' | 'home' | 'isBound' | 'cost' | 'isStackable'>;

/** A job on its way. */
export class Task implements Waiting {
  readonly method: EngineMethod;
  readonly request: unknown;
  readonly terms: Terms;
  /** What it is about: a graph, or a session's tape. */
  readonly subject: string;
  /** What its cost is known by. */
  readonly name: string;
  /** The device that the request asks for. */
  readonly asked: Asked;
  /** The device that it is for. */
  device: 'cpu' | 'gpu';
  /** Whether it has been moved to the device that it is for. */
  isSettled = false;
  /** The processor's slot that is likely to have what it needs. */
  readonly home: number;
  /** Whether it has state at home, and runs nowhere else while home is alive. */
  readonly isBound: boolean;
  readonly cost: number;
  /** Whether it is run together with others of its name that are there at once. */
  readonly isStackable: boolean;
  /** How many workers have ended while it ran. */
  deaths = 0;
  /** How often it was given to a worker. */
  tries = 0;
  /** Where it runs. */
  at: { readonly slot: Slot; readonly place: number } | undefined;
  /** Whether somebody has seen something of it that cannot be taken back. */
  isSeen = false;
  /** The response that was committed with its work last. */
  committed: { readonly response: unknown } | undefined;
  /** The session that it holds. */
  hold: Hold | undefined;
  #event = Promise.withResolvers<Event>();
  #hasEnded = false;

  constructor(
    method: EngineMethod,
    request: unknown,
    terms: Terms,
    { subject, name, asked, device, home, isBound, cost, isStackable }: Whither,
  ) {
    this.method = method;
    this.request = request;
    this.terms = terms;
    this.subject = subject;
    this.name = name;
    this.asked = asked;
    this.device = device;
    this.home = home;
    this.isBound = isBound;
    this.cost = cost;
    this.isStackable = isStackable;
    // A job may fail before anybody asks what came of it.
    this.#event.promise.catch(() => {});
  }

  get tenant(): string {
    return this.terms.tenant;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** What comes next. */
  next(): Promise<Event> {
    return this.#event.promise;
  }

  /** Takes a message; the one before it has been taken from here. */
  deliver(message: unknown): void {
    this.isSeen = true;
    const { resolve } = this.#event;
    this.#event = Promise.withResolvers();
    this.#event.promise.catch(() => {});
    resolve({ message });
  }

  /** Ends it with its response. */
  answer(response: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#event.resolve({ response });
  }

  /** Ends it with an error. */
  fail(reason: EngineError): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#event.reject(reason);
  }

  /** Lets go of the session that it holds. */
  release(): void {
    this.hold?.release();
    this.hold = undefined;
  }
}
