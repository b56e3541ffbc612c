/** The OpenID Connect provider that the environment configures. */
import type { Role } from '../../contract/access.ts'

export interface OidcConfig {
  issuer: string
  clientId: string
  /** Undefined for a public client. */
  clientSecret: string | undefined
  /** The label of the button. */
  name: string
  scopes: string
  groupsClaim: string
  /** Trusts an email as verified if the provider does not say whether it is. */
  trustEmail: boolean
  /** The role that each group gives; the highest counts. */
  roles: readonly { group: string; role: Role }[]
  /** The accounts that new users of the provider see. */
  accounts: 'all' | 'none'
}
