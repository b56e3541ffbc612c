/** An SMTP server on loopback that counts accepted mail; each of its answers can be replaced, delayed or lost. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

export interface TakenMessage {
  from: string
  to: string[]
  sha256: string
  bytes: Buffer
  /** The argument of `MAIL FROM` as received. */
  mail: string
}

/** Replaces the usual answer; `lose` ends the connection without one. */
export type SinkAnswer = string | 'lose' | undefined

export interface SinkScript {
  /** EHLO keywords, without the greeting. */
  extensions?: readonly string[]
  password?: string
  greeting?: (connection: number) => SinkAnswer
  /** Called for each command before it is executed. */
  onCommand?: (line: string, connection: number) => SinkAnswer | Promise<SinkAnswer>
  /** Called after the final dot. The message was accepted unless the answer rejects it; also with `lose`. */
  onMessage?: (message: TakenMessage) => SinkAnswer | Promise<SinkAnswer>
  /** Called while data arrives. */
  onData?: (bytes: number, socket: Socket) => void
  /** Set by benchmarks: messages are counted, not kept. */
  isCounting?: boolean
}

const dot = Buffer.from('\r\n.\r\n')

export class SmtpSink {
  readonly taken: TakenMessage[] = []
  readonly sockets = new Set<Socket>()
  script: SinkScript
  /** Commands in order, without the data. */
  commands: string[] = []
  connections = 0
  /** Number of transfers that began with DATA and did not end. */
  unfinished = 0
  count = 0
  /** Called after each accepted message; benchmarks wait for the last one. */
  onTaken: (count: number) => void = () => undefined
  readonly #server: Server

  constructor(script: SinkScript = {}) {
    this.script = script
    this.#server = createServer({ noDelay: true }, socket => this.#serve(socket))
  }

  async start(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this.port
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Closes open connections; new ones are accepted. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.cut()
    if (!this.#server.listening) return
    await new Promise(resolve => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    const number = ++this.connections
    this.sockets.add(socket)
    socket.on('close', () => this.sockets.delete(socket))
    socket.on('error', () => undefined)
    const session = new SinkSession(this, socket, number)
    socket.on('data', chunk => session.take(chunk))
    session.say(this.script.greeting?.(number) ?? '220 sink.test ESMTP')
  }
}

class SinkSession {
  readonly #sink: SmtpSink
  readonly #socket: Socket
  readonly #number: number
  #pending: Buffer = Buffer.alloc(0)
  #data: Buffer[] | undefined
  #dataBytes = 0
  #mail = ''
  #to: string[] = []
  #isBusy = false

  constructor(sink: SmtpSink, socket: Socket, number: number) {
    this.#sink = sink
    this.#socket = socket
    this.#number = number
    socket.on('close', () => {
      if (this.#data) sink.unfinished++
    })
  }

  say(answer: SinkAnswer): void {
    if (answer === 'lose') this.#socket.destroy()
    else this.#socket.write(`${answer}\r\n`)
  }

  take(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    void this.#work()
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      while (this.#pending.length > 0 && !this.#socket.destroyed) {
        if (!(this.#data ? await this.#readData() : await this.#readLine())) return
      }
    } finally {
      this.#isBusy = false
    }
  }

  async #readLine(): Promise<boolean> {
    const end = this.#pending.indexOf('\r\n')
    if (end < 0) return false
    const line = this.#pending.toString('utf8', 0, end)
    this.#pending = this.#pending.subarray(end + 2)
    const { script, commands } = this.#sink
    if (script.isCounting !== false) commands.push(line)
    const given = await script.onCommand?.(line, this.#number)
    const usual = this.#usual(line, given === undefined || /^[23]/.test(given))
    const answer = given ?? usual
    if (answer.startsWith('354')) {
      this.#data = []
      this.#dataBytes = 0
    }
    this.say(answer)
    if (/^QUIT/i.test(line)) this.#socket.end()
    return true
  }

  #usual(line: string, isDone: boolean): string {
    const { extensions = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'SIZE 52428800', 'DSN'], password } = this.#sink.script
    const [, verb = ''] = /^([A-Za-z]+)/.exec(line) ?? []
    switch (verb.toUpperCase()) {
      case 'EHLO':
        return ['sink.test', 'AUTH PLAIN', ...extensions]
          .map((name, at, all) => `250${at === all.length - 1 ? ' ' : '-'}${name}`)
          .join('\r\n')
      case 'AUTH': {
        const [, , given = ''] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
          .toString()
          .split('\0')
        return password === undefined || given === password ? '235 2.7.0 ok' : '535 5.7.8 wrong password'
      }
      case 'MAIL':
        if (isDone) this.#mail = line
        this.#to = []
        return '250 2.1.0 ok'
      case 'RCPT':
        if (isDone) this.#to.push(/<(.*)>/.exec(line)?.[1] ?? '')
        return '250 2.1.5 ok'
      case 'DATA':
        return this.#to.length > 0 ? '354 go on' : '503 5.5.1 nobody to send it to'
      case 'RSET':
        this.#to = []
        return '250 2.0.0 ok'
      case 'QUIT':
        return '221 2.0.0 bye'
      default:
        return '500 5.5.2 unknown'
    }
  }

  async #readData(): Promise<boolean> {
    const data = this.#data!
    const chunk = this.#pending
    // The end marker may span two chunks.
    const last = data.at(-1)
    const tail = last ? Buffer.concat([last, chunk]) : Buffer.concat([Buffer.from('\r\n'), chunk])
    const found = tail.indexOf(dot)
    this.#sink.script.onData?.(this.#dataBytes + chunk.length, this.#socket)
    if (found < 0) {
      if (last) data.pop()
      data.push(tail)
      this.#dataBytes += chunk.length
      this.#pending = Buffer.alloc(0)
      return false
    }
    if (last) data.pop()
    data.push(tail.subarray(0, found + 2))
    this.#pending = tail.subarray(found + dot.length)
    this.#data = undefined
    await this.#took(data)
    return true
  }

  async #took(data: Buffer[]): Promise<void> {
    const { script, taken } = this.#sink
    this.#sink.onTaken(++this.#sink.count)
    if (script.isCounting === false) return this.say('250 2.0.0 queued')
    const bytes = unstuff(Buffer.concat(data).subarray(2))
    const from = /<(.*)>/.exec(this.#mail)?.[1] ?? ''
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const message = { from, to: this.#to, sha256, bytes, mail: this.#mail }
    const answer = (await script.onMessage?.(message)) ?? '250 2.0.0 queued'
    if (answer === 'lose' || answer.startsWith('2')) taken.push(message)
    this.#to = []
    this.say(answer)
  }
}

function unstuff(data: Buffer): Buffer {
  return Buffer.from(data.toString('latin1').replaceAll(/(^|\r\n)\.\./g, '$1.'), 'latin1')
}
