/**
 * A bare connection to a mail server: lines in and out, with implicit TLS or a later upgrade. Nobody logs in on it, and
 * what it reads is bounded.
 */
import { connect, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type Address, answerWith } from '../platform/network/outbound-guard.ts'
import { TooLate } from './check.ts'

export interface Place {
  host: string
  port: number
}

/** Upper bound of bytes from the server; more is not read. */
const mostBytes = 64 * 1024
const goodbyeMs = 1_000
const lineFeed = 0x0a

export class Wire {
  #socket: Socket
  #read = Buffer.alloc(0)
  #bytes = 0
  #error: Error | undefined
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#follow(socket)
  }

  /**
   * Connects. @param address An address of the place that passed the guard. @throws the error of the socket, or
   * TooLate.
   */
  static async open({ host, port }: Place, address: Address, ms: number, signal: AbortSignal): Promise<Wire> {
    const socket = connect({ host, port, lookup: answerWith([address]), autoSelectFamily: false })
    const wire = new Wire(socket)
    try {
      await wire.#until(() => !socket.connecting && !socket.pending, ms, signal)
      return wire
    } catch (error) {
      wire.close()
      throw error
    }
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  /**
   * Upgrades to TLS. Any certificate is accepted, since the caller judges it. @throws the error of the handshake, or
   * TooLate.
   */
  async secure(host: string, ms: number, signal: AbortSignal): Promise<TLSSocket> {
    const plain = this.#socket
    plain.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
    this.#read = Buffer.alloc(0)
    const name = isIP(host) === 0 ? { servername: host } : {}
    const socket = connectTls({ socket: plain, ...name, rejectUnauthorized: false })
    let isSecure = false
    socket.once('secureConnect', () => {
      isSecure = true
      this.#wake()
    })
    this.#socket = socket
    this.#follow(socket)
    await this.#until(() => isSecure, ms, signal)
    return socket
  }

  write(line: string): void {
    this.#socket.write(`${line}\r\n`)
  }

  /**
   * Returns the next line without its end, or what there is of it when the server closes. @throws TooLate, or the error
   * of the socket.
   */
  async line(ms: number, signal: AbortSignal): Promise<string> {
    await this.#until(() => this.#read.includes(lineFeed), ms, signal)
    const end = this.#read.indexOf(lineFeed)
    const line = this.#read.subarray(0, end).toString('latin1').replace(/\r$/, '')
    this.#read = this.#read.subarray(end + 1)
    return line
  }

  /** Received bytes that were not read, complete line or not. */
  get rest(): Buffer {
    return this.#read
  }

  /** Says goodbye, and closes without waiting for a response. */
  end(line: string): void {
    const socket = this.#socket
    socket.end(`${line}\r\n`)
    setTimeout(() => socket.destroy(), goodbyeMs).unref()
  }

  close(): void {
    this.#socket.destroy()
  }

  #follow(socket: Socket): void {
    socket
      .on('connect', () => this.#wake())
      .on('data', (chunk: Buffer) => {
        this.#bytes += chunk.length
        if (this.#bytes > mostBytes) socket.destroy(new Error('The server sent far more than was requested.'))
        else this.#read = Buffer.concat([this.#read, chunk])
        this.#wake()
      })
      .on('error', (error: Error) => {
        this.#error ??= error
        this.#wake()
      })
      .on('close', () => {
        this.#error ??= Object.assign(new Error('The server closed the connection.'), { code: 'ECONNRESET' })
        this.#wake()
      })
  }

  async #until(isThere: () => boolean, ms: number, signal: AbortSignal): Promise<void> {
    if (isThere()) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const late = () => reject(new TooLate())
    const timer = setTimeout(late, ms)
    signal.addEventListener('abort', late, { once: true })
    this.#wake = () => {
      if (isThere()) resolve()
      else if (this.#error) reject(this.#error)
    }
    try {
      if (signal.aborted) late()
      this.#wake()
      await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', late)
      this.#wake = () => undefined
    }
  }
}
