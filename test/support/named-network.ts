/** A named network on this machine: DNS, a web server with TLS, and mail servers that greet; each can be silent. */
import { execFileSync } from 'node:child_process'
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createWeb } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTls } from 'node:tls'
import { type Answer, decode, encode, type Packet, type RecordType, streamDecode, streamEncode } from 'dns-packet'
import type { DiscoveryTimes } from '../../server/autoconfig/discovery-times.ts'
import type { DiscoveryStandIn } from '../../server/compose-autoconfig.ts'
import { patience } from './patience.ts'
import { tempDir } from './temp-dir.ts'

export interface Page {
  status?: number
  headers?: Record<string, string>
  body?: string | Buffer
}

/** `silent`: the connection is accepted, and nothing is sent. */
export type Serve = (request: { host: string; path: string; body: string }) => Page | 'silent' | 'drip' | undefined

/** Mail servers by their usual port: lines in answer to lines, `undefined` for a server that does not exist. */
export type MailServers = Partial<Record<993 | 143 | 465 | 587, (line: string | undefined) => string>>

export interface NamedNetworkOptions {
  /** Subject names of the certificate that all servers share. */
  names: readonly string[]
  serve?: Serve
  mail?: MailServers
}

/** Timing by which the last sources are asked only after all others have ended. */
export const unhurried: DiscoveryTimes = {
  lastAfterMs: patience,
  sourceMs: patience,
  lookMs: patience,
  wholeMs: patience,
}

export const greetingImap = (line: string | undefined) =>
  line === undefined ? '* OK ready\r\n' : '* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN AUTH=XOAUTH2\r\na1 OK done\r\n'
export const greetingSmtp = (line: string | undefined) =>
  line === undefined ? '220 ready\r\n' : '250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n'

export class NamedNetwork {
  /** DNS records, by `MX example.org` and so on. */
  readonly records = new Map<string, Answer[]>()
  /** Selects questions that are not answered. */
  silent: (name: string, type: string) => boolean = () => false
  /** All DNS questions, as `MX example.org`. */
  readonly questions: string[] = []
  /** All HTTP requests, as `GET autoconfig.example.org/mail/…`. */
  readonly requests: string[] = []
  /** Connections to mail servers, by their usual port. */
  readonly looks: number[] = []
  serve: Serve
  /** The discovery's timing; nothing times out unless a test wants it. */
  times: DiscoveryTimes = unhurried
  readonly #mail: MailServers
  readonly #certificate: { ca: string; key: string; remove(): void }
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #udp: UdpSocket = createSocket('udp4')
  readonly #ports = new Map<number, number>()
  #closedPort = 0

  constructor({ names, serve = () => undefined, mail = {} }: NamedNetworkOptions) {
    this.serve = serve
    this.#mail = mail
    this.#certificate = certificateFor(names)
  }

  /** Adds an address record, of this machine unless another is given. */
  host(name: string, address = '127.0.0.1'): this {
    return this.record({ type: 'A', name, data: address })
  }

  record(answer: Answer): this {
    const key = `${answer.type} ${answer.name}`
    this.records.set(key, [...(this.records.get(key) ?? []), answer])
    return this
  }

  async start(): Promise<DiscoveryStandIn> {
    const { ca, key } = this.#certificate
    const tls = { cert: ca, key }
    this.#ports.set(443, await this.#listen(createWeb(tls, (asked, answer) => void this.#answer(asked, answer))))
    for (const [port, say] of Object.entries(this.#mail)) {
      const talk = (socket: Socket) => this.#greet(Number(port), socket, say)
      const server = ['993', '465'].includes(port) ? createTls(tls, talk) : createServer(talk)
      this.#ports.set(Number(port), await this.#listen(server))
    }
    const name = await this.#listenForQuestions()
    // A port that was free a moment ago and that nothing listens on.
    const gone = createServer()
    this.#closedPort = await this.#listen(gone)
    gone.close()
    const portOf = (port: number) => this.#ports.get(port) ?? this.#closedPort
    const times = () => this.times
    return {
      ca,
      portOf,
      nameServers: [`127.0.0.1:${name}`],
      get times() {
        return times()
      },
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#udp.close()
    await Promise.all(this.#servers.filter(server => server.listening).map(server => once(server.close(), 'close')))
    this.#certificate.remove()
  }

  async #listen(server: Server): Promise<number> {
    this.#servers.push(server)
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined).once('close', () => this.#sockets.delete(socket))
    })
    server.on('tlsClientError', () => undefined)
    server.on('secureConnection', socket => socket.on('error', () => undefined))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  /** Listens on UDP, and on TCP on the same port, where truncated answers are asked for again. */
  async #listenForQuestions(): Promise<number> {
    const port = await this.#listen(
      createServer(socket => {
        let bytes = Buffer.alloc(0)
        socket.on('data', piece => {
          bytes = Buffer.concat([bytes, piece])
          if (bytes.length < 2 || bytes.length < 2 + bytes.readUInt16BE(0)) return
          const packet = this.#reply(streamDecode(bytes))
          if (packet) socket.end(streamEncode(packet))
        })
      }),
    )
    this.#udp.on('message', (bytes, from) => {
      const packet = this.#reply(decode(bytes))
      if (!packet) return
      const whole = encode(packet)
      const sent = whole.length > 512 ? encode({ ...packet, answers: [], flags: packet.flags! | 512 }) : whole
      this.#udp.send(sent, from.port, from.address)
    })
    this.#udp.bind(port, '127.0.0.1')
    await once(this.#udp, 'listening')
    return port
  }

  #reply({ id, questions = [] }: Packet): Parameters<typeof encode>[0] | undefined {
    const [question] = questions
    if (!question) return undefined
    const { name, type } = question
    this.questions.push(`${type} ${name}`)
    if (this.silent(name, type)) return undefined
    const answers = this.records.get(`${type satisfies RecordType} ${name}`) ?? []
    const isKnown = [...this.records.keys()].some(key => key.endsWith(` ${name}`))
    // The flags of a recursive answer; 3 is NXDOMAIN.
    const flags = 0x0180 | (isKnown ? 0 : 3)
    return { type: 'response', ...(id === undefined ? {} : { id }), flags, questions: [question], answers }
  }

  async #answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const [host = '', path = ''] = [asked.headers.host, asked.url]
    let body = ''
    for await (const piece of asked) body += piece
    this.requests.push(`${asked.method} ${host}${path}`)
    const page = this.serve({ host, path, body }) ?? { status: 404 }
    if (page === 'silent') return
    if (page === 'drip') {
      answer.writeHead(200)
      const drip = setInterval(() => answer.write(' '), 20)
      answer.once('close', () => clearInterval(drip))
      return
    }
    answer.on('error', () => undefined)
    answer.writeHead(page.status ?? 200, page.headers).end(page.body)
  }

  #greet(port: number, socket: Socket, say: (line: string | undefined) => string): void {
    this.looks.push(port)
    socket.on('error', () => undefined)
    socket.write(say(undefined))
    socket.on('data', piece => {
      const [line = ''] = piece.toString('latin1').split('\r\n')
      if (!/LOGOUT|QUIT/.test(line) && socket.writable) socket.write(say(line))
    })
  }
}

/** Issues a certificate by an authority of its own. */
function certificateFor(names: readonly string[]) {
  const dir = tempDir('named-network')
  const [certFile, keyFile] = [join(dir.path, 'cert.pem'), join(dir.path, 'key.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const san = `subjectAltName=${names.map(name => `DNS:${name}`).join(',')}`
  const name = ['-subj', '/CN=RustyMail tests', '-addext', san]
  execFileSync('openssl', ['req', ...kind, '-keyout', keyFile, '-out', certFile, ...name], { stdio: 'ignore' })
  return { ca: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), remove: dir.remove }
}
