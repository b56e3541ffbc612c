/** The OpenID Connect provider, as the environment names it. */
import type { Role } from '../../contract/access.ts'

export interface OidcConfig {
  issuer: string
  clientId: string
  /** Undefined for a public client. */
  clientSecret: string | undefined
  /** On the button. */
  name: string
  scopes: string
  groupsClaim: string
  /** Takes an email for verified when the provider does not say whether it is. */
  trustEmail: boolean
  /** Which group gives which role; the highest counts. */
  roles: readonly { group: string; role: Role }[]
  /** What those see who come this way for the first time. */
  accounts: 'all' | 'none'
}
