/** Posts to a collector (OTLP over HTTP): bounded in time and in what is read of its answer, retried as the protocol says, through the outbound guard. */
import { setTimeout as wait } from 'node:timers/promises'
import type { GuardedFetch } from '../network/guarded-fetch.ts'
import type { TracingConfig } from './tracing-options.ts'

export interface OtlpTransportOptions {
  config: Pick<TracingConfig, 'endpoint' | 'headers' | 'protocol' | 'timeoutMs'>
  version: string
  http: Pick<GuardedFetch, 'post'>
}

/** The collector will not take it, however often it is asked. Without what it said. */
export class ExportRefused extends Error {
  constructor(status: number) {
    super(`the collector answered ${status}`)
    this.name = 'ExportRefused'
  }
}

/** It may work later. */
export class ExportFailed extends Error {
  constructor(why: string, cause?: unknown) {
    super(why, { cause })
    this.name = 'ExportFailed'
  }
}

/** OTLP 1.x, "OTLP/HTTP Response": those after which a client tries again. */
const retried = new Set([429, 502, 503, 504])
const maxAnswerBytes = 64 * 1024
const firstDelayMs = 500
/** From the stop on. */
const lastMs = 2_000

export class OtlpTransport {
  readonly #options: OtlpTransportOptions
  readonly #stopping = new AbortController()
  readonly #cut = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(options: OtlpTransportOptions) {
    this.#options = options
  }

  /** Nothing is retried from now on, and what is under way is cut two seconds later. */
  hurry(): void {
    this.#stopping.abort()
    this.#timer ??= setTimeout(() => this.#cut.abort(), lastMs)
  }

  /** To be called when nothing is under way. */
  close(): void {
    clearTimeout(this.#timer)
  }

  /** @returns What it answered. @throws ExportRefused, ExportFailed */
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
          // What it failed with says more than that the time is over.
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
