/** Posts to a collector (OTLP/HTTP) through the outbound guard, with a timeout, a bounded answer, and retries. */
import { setTimeout as wait } from 'node:timers/promises'
import type { GuardedFetch } from '../network/guarded-fetch.ts'
import type { TracingConfig } from './tracing-options.ts'

export interface OtlpTransportOptions {
  config: Pick<TracingConfig, 'endpoint' | 'headers' | 'protocol' | 'timeoutMs'>
  version: string
  http: Pick<GuardedFetch, 'post'>
}

/** A permanent rejection by the collector; its answer is not included. */
export class ExportRefused extends Error {
  constructor(status: number) {
    super(`the collector answered ${status}`)
    this.name = 'ExportRefused'
  }
}

/** A temporary failure, which may be retried. */
export class ExportFailed extends Error {
  constructor(why: string, cause?: unknown) {
    super(why, { cause })
    this.name = 'ExportFailed'
  }
}

/** Statuses that are retried: OTLP 1.x, "OTLP/HTTP Response". */
const retried = new Set([429, 502, 503, 504])
const maxAnswerBytes = 64 * 1024
const firstDelayMs = 500
/** Time for exports in flight once the server stops. */
const lastMs = 2_000

export class OtlpTransport {
  readonly #options: OtlpTransportOptions
  readonly #stopping = new AbortController()
  readonly #cut = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(options: OtlpTransportOptions) {
    this.#options = options
  }

  /** Stops retrying, and aborts requests in flight after two seconds. */
  hurry(): void {
    this.#stopping.abort()
    this.#timer ??= setTimeout(() => this.#cut.abort(), lastMs)
  }

  /** Releases the timer; call it when no request is in flight. */
  close(): void {
    clearTimeout(this.#timer)
  }

  /** Posts with retries. @returns The collector's answer. @throws ExportRefused, ExportFailed */
  async post(path: 'v1/traces' | 'v1/metrics', body: Uint8Array): Promise<Uint8Array> {
    const { timeoutMs } = this.#options.config
    const late = new AbortController()
    const cut = () => late.abort()
    const timer = setTimeout(cut, timeoutMs)
    this.#cut.signal.addEventListener('abort', cut, { once: true })
    if (this.#cut.signal.aborted) cut()
    try {
      for (let delayMs = firstDelayMs; ; delayMs *= 2) {
        const answer = await this.#once(path, body, late.signal)
        if (answer instanceof Uint8Array) return answer
        if (this.#stopping.signal.aborted) throw answer.fault
        await wait(answer.afterMs ?? delayMs, undefined, {
          signal: AbortSignal.any([late.signal, this.#stopping.signal]),
        })
          // The last error says more than a timeout would.
          .catch(() => Promise.reject(answer.fault))
      }
    } finally {
      clearTimeout(timer)
      this.#cut.signal.removeEventListener('abort', cut)
    }
  }

  async #once(
    path: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array | { fault: ExportFailed; afterMs: number | undefined }> {
    const { config, version, http } = this.#options
    const type = config.protocol === 'http/json' ? 'application/json' : 'application/x-protobuf'
    const common = { ...config.headers, 'content-type': type, 'user-agent': `RustyMail/${version}` }
    try {
      const { status, text, retryAfter } = await http.post(new URL(`${config.endpoint.replace(/\/+$/, '')}/${path}`), {
        headers: common,
        body,
        maxBytes: maxAnswerBytes,
        isBinary: true,
        signal,
      })
      if (status >= 200 && status < 300) return Buffer.from(text, 'latin1')
      if (!retried.has(status)) throw new ExportRefused(status)
      const seconds = /^\d{1,5}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined
      return {
        fault: new ExportFailed(`the collector answered ${status}`),
        afterMs: seconds === undefined ? undefined : seconds * 1_000,
      }
    } catch (error) {
      if (error instanceof ExportRefused) throw error
      const fault = new ExportFailed(signal.aborted ? 'the collector did not answer in time' : 'no connection', error)
      if (signal.aborted) throw fault
      return { fault, afterMs: undefined }
    }
  }
}
