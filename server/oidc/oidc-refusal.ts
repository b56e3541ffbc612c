/** Why sign-in through the provider failed, as the sign-in page hears it. */

/** The page has words for each. */
export const oidcRefusals = [
  /** No administrator was made yet. */
  'setup_needed',
  /** The provider cannot be reached, or does not know us. */
  'unavailable',
  /** The person, or the provider, said no. */
  'denied',
  /** What the provider answered is not to be believed. */
  'failed',
  /** Longer than ten minutes ago, used already, or begun in another browser. */
  'expired',
  /** None of their groups gives a role. */
  'not_allowed',
  /** The provider names no email, or has not verified it. */
  'email_unverified',
  /** There is a user of this email, who may not be taken over. */
  'email_taken',
  'disabled',
  'too_many_users',
] as const
export type OidcRefusalCode = (typeof oidcRefusals)[number]

export class OidcRefusal extends Error {
  readonly code: OidcRefusalCode
  /** The page that was wanted, a path of ours: a second try, or another way in, still leads there. */
  readonly returnTo: string

  constructor(code: OidcRefusalCode, { returnTo = '/', ...options }: ErrorOptions & { returnTo?: string } = {}) {
    super(`sign-in through the provider was refused: ${code}`, options)
    this.name = 'OidcRefusal'
    this.code = code
    this.returnTo = returnTo
  }
}
