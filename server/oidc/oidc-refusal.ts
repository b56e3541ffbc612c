/** Why sign-in through the provider failed, as a code for the sign-in page. */

/** The codes, for each of which the page has words. */
export const oidcRefusals = [
  /** There is no administrator yet. */
  'setup_needed',
  /** The provider is unreachable, or does not know this client. */
  'unavailable',
  /** The user or the provider refused. */
  'denied',
  /** The provider's response is not trustworthy. */
  'failed',
  /** Begun more than ten minutes ago or in another browser, or used already. */
  'expired',
  /** None of the user's groups gives a role. */
  'not_allowed',
  /** The provider sends no email, or has not verified it. */
  'email_unverified',
  /** A user with this email exists, and may not be taken over. */
  'email_taken',
  'disabled',
  'too_many_users',
] as const
export type OidcRefusalCode = (typeof oidcRefusals)[number]

export class OidcRefusal extends Error {
  readonly code: OidcRefusalCode
  /** The page that was requested, a path of our own: a second try, or another way to sign in, still leads there. */
  readonly returnTo: string

  constructor(code: OidcRefusalCode, { returnTo = '/', ...options }: ErrorOptions & { returnTo?: string } = {}) {
    super(`sign-in through the provider was refused: ${code}`, options)
    this.name = 'OidcRefusal'
    this.code = code
    this.returnTo = returnTo
  }
}
