/** How the methods of the client are called. */

export interface CallOptions {
  /** Aborts the call, and the wait before it is tried again. */
  signal?: AbortSignal | undefined
}

export interface KeyedCallOptions extends CallOptions {
  /** The same key with the same content is done once, within 24 hours. Without it a refused call is not tried again. */
  idempotencyKey?: string | undefined
}

/** One endpoint: parameters of its path, its query and its body together in one object. */
export type Method<Params, Answer, Options extends CallOptions = CallOptions> = object extends Params
  ? (params?: Params, options?: Options) => Promise<Answer>
  : (params: Params, options?: Options) => Promise<Answer>
