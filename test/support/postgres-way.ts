/**
 * A proxy to PostgreSQL that interrupts the commit of matching transactions: before the server gets it, or before its
 * answer comes back.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface CommitPoint {
  /** Which of these commits is interrupted, counted from now on. */
  number: number
  at: 'before' | 'after'
}

export class PostgresWay {
  readonly #writes: RegExp
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer(client => this.#pass(client))
  #to = { host: '', port: 0 }
  #armed: CommitPoint | undefined
  #count = 0
  #reached = Promise.withResolvers<void>()

  /** @param writes Matches a statement of each of these transactions. */
  constructor(writes: RegExp) {
    this.#writes = writes
  }

  /** @returns The URL of the same database through the proxy. */
  async open(databaseUrl: string): Promise<string> {
    const url = new URL(databaseUrl)
    this.#to = { host: url.hostname, port: Number(url.port || 5432) }
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return Object.assign(url, { host: `127.0.0.1:${address.port}` }).toString()
  }

  /** @returns Resolves when that commit is reached. */
  arm(point: CommitPoint): Promise<void> {
    this.#armed = point
    this.#count = 0
    this.#reached = Promise.withResolvers<void>()
    return this.#reached.promise
  }

  /** Closes held connections without an answer, as if the server had crashed. */
  disarm(): void {
    this.#armed = undefined
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    this.disarm()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(client: Socket): void {
    const server = connect(this.#to)
    let isMeant = false
    let isMuted = false
    let isCut = false
    client.on('data', data => {
      const text = data.toString('latin1')
      isMeant ||= this.#writes.test(text)
      if (isMeant && /\bcommit\b/.test(text)) {
        isMeant = false
        const held = this.#armed?.number === ++this.#count ? this.#armed.at : undefined
        isCut ||= held === 'before'
        isMuted ||= held === 'after'
        if (held === 'before') this.#reached.resolve()
      }
      if (/\brollback\b/.test(text)) isMeant = false
      if (!isCut) server.write(data)
    })
    server.on('data', data => {
      if (!isMuted) return void client.write(data)
      // The commit is done now.
      if (data.toString('latin1').includes('COMMIT')) this.#reached.resolve()
    })
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
    }
  }
}
