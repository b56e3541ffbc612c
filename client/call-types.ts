/** The call signature of the client's methods, and the options that they accept. */

export interface CallOptions {
  /** Aborts the request, and any wait before a retry. */
  signal?: AbortSignal | undefined
}

export interface KeyedCallOptions extends CallOptions {
  /**
   * Makes the call idempotent: the same key with the same content runs once within 24 hours. Refused calls are retried
   * only with a key.
   */
  idempotencyKey?: string | undefined
}

/** The method of one endpoint; path, query and body parameters are passed together in one object. */
export type Method<Params, Answer, Options extends CallOptions = CallOptions> = object extends Params
  ? (params?: Params, options?: Options) => Promise<Answer>
  : (params: Params, options?: Options) => Promise<Answer>
