/** What a browser answers in the two ceremonies of a passkey (W3C Web Authentication Level 3, section 5.1), as far as it is read. */
import { z } from 'zod'

const base64url = z.string().regex(/^[\w-]+$/)
/** At most 1,023 bytes, says section 4; those that can be found without a user name are far shorter. */
const credentialId = base64url.max(1364)
const credential = { id: credentialId, rawId: credentialId, type: z.literal('public-key') }
const clientDataJSON = base64url.max(4096)

export const RegistrationJson = z.object({
  ...credential,
  response: z.object({
    clientDataJSON,
    attestationObject: base64url.max(65_536),
    transports: z.array(z.string().max(32)).max(10).default([]),
  }),
})
export type RegistrationJson = z.infer<typeof RegistrationJson>

export const AssertionJson = z.object({
  ...credential,
  response: z.object({
    clientDataJSON,
    authenticatorData: base64url.max(4096),
    signature: base64url.max(8192),
    /** Without it nobody could sign in without a user name. */
    userHandle: base64url.max(100),
  }),
})
export type AssertionJson = z.infer<typeof AssertionJson>
