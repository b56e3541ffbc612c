/** How accounts log in to their servers: by the stored password, or by an access token obtained at that moment. */
import type { AccountAuth, AccountInput, MailServer } from '../../contract/accounts.ts'
import type { Principal } from '../platform/principal.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { AccountGrants } from './account-grants.ts'
import { authOf, type Part, serverOf, toLogin } from './account-row.ts'
import type { AccountRow } from './account-tables.ts'
import type { KnownServer, LoginSource } from './mail-login.ts'

export class LoginSources {
  readonly #secrets: SecretBox
  readonly #grants: AccountGrants

  constructor({ secrets, grants }: { secrets: SecretBox; grants: AccountGrants }) {
    this.#secrets = secrets
    this.#grants = grants
  }

  /** Returns how the account will log in. @throws Problem if the grant is not the principal's. */
  async authOf(principal: Principal, { auth }: AccountInput): Promise<AccountAuth> {
    if (!auth) return { kind: 'password' }
    const provider = await this.#grants.providerOf(principal, auth.grant_id)
    return { kind: 'oauth', provider, grant_id: auth.grant_id }
  }

  /** Returns the source of logins to a server; undefined if the account has no such server. */
  of(row: AccountRow, part: Part): LoginSource | undefined {
    const server = serverOf(row, part)
    if (!server) return undefined
    const auth = authOf(row)
    if (auth.kind === 'oauth') return this.#byToken(part, server, auth.grant_id)
    const login = toLogin(row, part, this.#secrets)
    return login && (async () => login)
  }

  /** Returns the source together with the server. */
  known(row: AccountRow, part: Part): KnownServer | undefined {
    const [server, source] = [serverOf(row, part), this.of(row, part)]
    return server && source && { server, kind: authOf(row).kind, source }
  }

  /** Returns the source of logins for an account that does not exist yet. */
  ofNew(part: Part, input: AccountInput, auth: AccountAuth): LoginSource {
    const { password = '', ...server } = input[part]!
    return auth.kind === 'password' ? async () => ({ ...server, password }) : this.#byToken(part, server, auth.grant_id)
  }

  #byToken(part: Part, server: MailServer, grantId: string): LoginSource {
    return async rejected => {
      const accessToken = await this.#grants.accessToken({ grantId, part, host: server.host, rejected })
      return { ...server, accessToken }
    }
  }
}
