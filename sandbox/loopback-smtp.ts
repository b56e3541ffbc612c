/** The SMTP half of the sandbox: accepts mail of its one user on a free loopback port, and passes it on. */
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server'

const maxMessageBytes = 30 * 1024 * 1024

export class LoopbackSmtp {
  readonly #server: SMTPServer

  /** @param options.accept Called with each complete message; if it throws, the message is rejected. */
  constructor(options: { user: string; password: string; accept(raw: Buffer): void }) {
    this.#server = new SMTPServer({
      name: 'sandbox.test',
      banner: 'RustyMail sandbox',
      authMethods: ['PLAIN', 'LOGIN'],
      allowInsecureAuth: true,
      disabledCommands: ['STARTTLS'],
      disableReverseLookup: true,
      maxClients: 50,
      size: maxMessageBytes,
      closeTimeout: 200,
      logger: false,
      onAuth: ({ username, password }, _session, answer) => {
        if (username === options.user && isSame(password ?? '', options.password)) answer(null, { user: username })
        else answer(refusal(535, 'Wrong user or password'))
      },
      onData: (stream, _session, answer) => {
        read(stream).then(
          raw => {
            try {
              if (stream.sizeExceeded) return answer(refusal(552, 'The message is too large'))
              options.accept(raw)
            } catch {
              return answer(refusal(554, 'This is not a message'))
            }
            answer(null, 'Taken')
          },
          () => answer(refusal(451, 'The message did not arrive whole')),
        )
      },
    })
    // A client that disconnects mid-session is not an error of the server.
    this.#server.on('error', () => {})
  }

  /** Starts listening on a free port and returns it. */
  async start(): Promise<number> {
    const server = this.#server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const { server } = this.#server
    if (!server.listening) return
    await new Promise<void>(resolve => this.#server.close(() => resolve()))
  }
}

/** Data past the limit is read and discarded, so that the client gets the rejection. */
async function read(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) if (!stream.sizeExceeded) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function refusal(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode })
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
