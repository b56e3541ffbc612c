/** Sends requests, each over a connection of its own, and retries when the server says so. */
import { createRequire } from 'node:module'
import { connect as connectTcp, isIP } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from './report.mjs'

/** Lazy: an `import` of `node:http` would load Node's fetch as well. */
const require = createRequire(import.meta.url)

/** Bound for a response, and for what should come immediately: a slow machine or link is no fault. */
export const promptMs = 15_000
/** Longest wait and number of tries after a 429 or 503. */
const maxRetryAfterSeconds = 60
const maxTries = 5
const maxBodyBytes = 64 * 1024
/** Silence after the head of an answer to HEAD, in case the connection stays open. */
const silenceMs = 2_000

export class Caller {
  /** 429 and 503 that did not say when to come back. */
  faults = []
  #url
  #token
  #clock

  constructor({ url, token, clock }) {
    this.#url = url
    this.#token = token
    this.#clock = clock
  }

  /** @param isStranger Without our token. */
  get(query = '', headers = {}, { isStranger = false, signal } = {}) {
    const target = new URL(this.#url)
    target.search = query
    return this.#patiently(() => this.#ask('GET', target, this.#headers(headers, isStranger), signal))
  }

  /** Deletes a path relative to the stream's URL. */
  delete(path) {
    return this.#patiently(() => this.#ask('DELETE', new URL(path, this.#url), this.#headers({}, false)))
  }

  /** Over a bare socket, so that a body is seen, which an HTTP client would hide. */
  head(headers = {}, isStranger = false) {
    return this.#patiently(() => this.#askHead(this.#headers(headers, isStranger)))
  }

  /** The text of an answer that should end. */
  async text(answer) {
    let text = ''
    const read = async () => {
      for await (const chunk of answer.setEncoding('utf8')) {
        text += chunk
        if (text.length > maxBodyBytes) break
      }
    }
    try {
      await this.#clock.within(promptMs, read(), 'end of the answer')
    } finally {
      answer.destroy()
    }
    return text
  }

  /** Refusals follow RFC 9457; the body of another response is not read, since a stream would never end. */
  async expectProblem(answer, status) {
    const type = answer.headers['content-type'] ?? ''
    if (answer.statusCode !== status) {
      answer.destroy()
      throw new Error(`status ${answer.statusCode} (${type}) instead of ${status}`)
    }
    const text = await this.text(answer)
    expect(type.startsWith('application/problem+json'), `content-type ${type} instead of application/problem+json`)
    const problem = JSON.parse(text)
    for (const key of ['type', 'title', 'detail', 'code']) expect(typeof problem[key] === 'string', `no ${key}`)
    expect(problem.status === status, `status ${problem.status} in the body`)
    return problem
  }

  #headers(headers, isStranger) {
    const credentials = isStranger || this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    return { 'user-agent': 'event-stream-conformance', accept: 'text/event-stream', ...credentials, ...headers }
  }

  async #patiently(ask) {
    for (let tries = 1; ; tries++) {
      const answer = await this.#clock.within(promptMs, ask(), 'answer')
      if (![429, 503].includes(answer.statusCode)) return answer
      const seconds = answer.headers['retry-after'] ?? ''
      if (!/^\d+$/.test(seconds)) this.faults.push(`${answer.statusCode} with Retry-After ${seconds || 'missing'}`)
      if (tries === maxTries) return answer
      answer.destroy()
      await pause(Math.min(Number.parseInt(seconds, 10) || 1, maxRetryAfterSeconds) * 1000)
    }
  }

  #ask(method, target, headers, signal) {
    const { request } = require(target.protocol === 'https:' ? 'node:https' : 'node:http')
    return new Promise((resolve, reject) => {
      // Compression is offered, so that a server that compresses shows it.
      const all = { ...headers, 'accept-encoding': 'gzip, deflate, br' }
      const asked = request(target, { method, headers: all, agent: false, signal }, resolve)
      asked.on('error', reject)
      asked.end()
    })
  }

  #askHead(headers) {
    const { protocol, hostname, port, host, pathname } = this.#url
    const isSecure = protocol === 'https:'
    const name = hostname.replace(/^\[|\]$/g, '')
    const place = { host: name, port: Number(port) || (isSecure ? 443 : 80) }
    const socket = isSecure
      ? require('node:tls').connect({ ...place, ...(isIP(name) ? {} : { servername: name }) })
      : connectTcp({ ...place })
    const lines = Object.entries({ host, connection: 'close', ...headers }).map(pair => pair.join(': '))
    socket.write(`HEAD ${pathname} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    return new Promise((resolve, reject) => {
      let text = ''
      let silence
      const done = () => {
        clearTimeout(silence)
        socket.destroy()
        const [head, ...rest] = text.split('\r\n\r\n')
        const [status, ...fields] = head.split('\r\n')
        const named = fields.map(field => [
          field.split(':', 1)[0].toLowerCase(),
          field.slice(field.indexOf(':') + 1).trim(),
        ])
        const statusCode = Number(/^HTTP\/1\.[01] (\d{3})/.exec(status)?.[1])
        const body = rest.join('\r\n\r\n')
        resolve({ statusCode, headers: Object.fromEntries(named), body, destroy: () => undefined })
      }
      socket.setEncoding('latin1').on('data', chunk => {
        text += chunk
        const end = text.indexOf('\r\n\r\n')
        if (end >= 0 && text.length > end + 4) done()
        else if (end >= 0) silence ??= setTimeout(done, silenceMs)
      })
      socket.on('end', () => (text.includes('\r\n\r\n') ? done() : reject(new Error('HEAD was not answered'))))
      socket.on('error', error => (text.includes('\r\n\r\n') ? done() : reject(error)))
    })
  }
}
