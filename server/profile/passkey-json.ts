/**
 * The fields that are read of a browser's response in the two passkey ceremonies (W3C Web Authentication Level 3,
 * section 5.1).
 */
import { z } from 'zod'

const base64url = z.string().regex(/^[\w-]+$/)
/** At most 1,023 bytes by section 4; those of discoverable credentials are far shorter. */
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
    /** Required to sign in without a user name. */
    userHandle: base64url.max(100),
  }),
})
export type AssertionJson = z.infer<typeof AssertionJson>
