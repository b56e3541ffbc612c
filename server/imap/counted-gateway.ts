/** Decorates a mail gateway to report why each connection failed, on opening or later. */
import type { ConnectionFault } from '../../contract/problem.ts'
import type { MailLogin } from '../accounts/mail-login.ts'
import { Problem } from '../platform/problem.ts'
import type { ConnectOptions, MailConnection, MailGateway, MailPlace } from './mail-gateway.ts'

export class CountedGateway implements MailGateway {
  readonly #gateway: MailGateway
  readonly #onError: (cause: ConnectionFault | 'other') => void

  constructor(gateway: MailGateway, onError: (cause: ConnectionFault | 'other') => void) {
    this.#gateway = gateway
    this.#onError = onError
  }

  async connect(login: MailLogin, options: ConnectOptions): Promise<MailConnection> {
    try {
      const connection = await this.#gateway.connect(login, options)
      // Never rejects, by the contract of the port.
      connection.closed.then(problem => problem && this.#note(problem))
      return connection
    } catch (error) {
      // An abort is not a failure.
      if (error instanceof Problem) this.#note(error)
      throw error
    }
  }

  /** Not counted, since it probes a server that is known to be down. */
  probe(place: MailPlace, options: ConnectOptions): Promise<void> {
    return this.#gateway.probe(place, options)
  }

  #note({ extension }: Problem): void {
    this.#onError(extension.fault ?? 'other')
  }
}
