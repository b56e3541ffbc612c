/** A few bare IMAP commands over a plain socket, so that tests can act on a mailbox from outside RustyMail. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Appended {
  uid: number
  uidValidity: number
}

/** Runs the commands of one connection one after the other; returns every line up to the tagged one. */
export class RawImap {
  readonly #socket: Socket
  #received = ''
  #tag = 0
  #hasMove: boolean | undefined
  #look: () => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      this.#received += chunk
      this.#look()
    })
    socket.on('error', () => undefined).on('close', () => this.#look())
  }

  static async login(port: number, user: string, password: string): Promise<RawImap> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const imap = new RawImap(socket)
    await imap.#until(/^\* OK.*\r\n/)
    await imap.run(`LOGIN "${user}" "${password}"`)
    return imap
  }

  /** Throws if the server answers NO or BAD. `literal` is sent when the server asks for it. */
  async run(command: string, literal?: Buffer): Promise<string> {
    const tag = `t${++this.#tag}`
    this.#received = ''
    this.#socket.write(`${tag} ${command}\r\n`, 'latin1')
    if (literal) {
      await this.#until(/^\+/m)
      this.#socket.write(literal)
      this.#socket.write('\r\n')
    }
    const answer = await this.#until(new RegExp(`^${tag} (OK|NO|BAD)[^\r\n]*\r\n`, 'm'))
    if (!new RegExp(`^${tag} OK`, 'm').test(answer)) throw new Error(`${command}: ${answer}`)
    return answer
  }

  /** Appends bytes unchanged, non-ASCII ones too. `flags` as in IMAP: `\Seen`. */
  async append(folder: string, message: string | Buffer, flags: string[] = []): Promise<Appended> {
    const literal = Buffer.from(message)
    const answer = await this.run(`APPEND "${folder}" (${flags.join(' ')}) {${literal.length}}`, literal)
    const [, uidValidity, uid] = /APPENDUID (\d+) (\d+)/.exec(answer) ?? []
    return { uid: Number(uid), uidValidity: Number(uidValidity) }
  }

  /** Moves messages of the open folder. On a server without MOVE (RFC 6851) it does as RustyMail does. */
  async move(uids: string, folder: string): Promise<void> {
    this.#hasMove ??= / MOVE[ \r]/.test(await this.run('CAPABILITY'))
    if (this.#hasMove) return void (await this.run(`UID MOVE ${uids} "${folder}"`))
    await this.run(`UID COPY ${uids} "${folder}"`)
    await this.run(`UID STORE ${uids} +FLAGS (\\Deleted)`)
    await this.run(`UID EXPUNGE ${uids}`)
  }

  close(): void {
    this.#socket.destroy()
  }

  #until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        if (pattern.test(this.#received)) resolve(this.#received)
        else if (this.#socket.closed) reject(new Error(`closed after: ${this.#received}`))
      }
      this.#look()
    })
  }
}
