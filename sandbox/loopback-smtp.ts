/** The SMTP half of the sandbox: takes what its one user sends, on a free port of loopback, and hands it on. */
import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server'

const maxMessageBytes = 30 * 1024 * 1024

export class LoopbackSmtp {
  readonly #server: SMTPServer

  /** @param options.accept Called with each whole message; when it throws, the sender is told that it was refused. */
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
    // A client that breaks off is no fault of the server, and nothing waits for it.
    this.#server.on('error', () => {})
  }

  /** Resolves with the port. */
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

/** What is past the limit is read and discarded, so that the sender hears the answer. */
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
