/** The browser's side of passkeys. The package that speaks to it is loaded when it is first needed. */
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser'
import type { PasskeyChallenge } from '../../contract/access.ts'

type Answer = { challenge_id: string; response: Record<string, unknown> }

export const hasPasskeys = typeof PublicKeyCredential === 'function'

/** @param isOffered Waits until one is chosen in the field of the address, instead of asking at once. */
export async function givePasskey({ challenge_id, options }: PasskeyChallenge, isOffered = false): Promise<Answer> {
  const { startAuthentication } = await import('@simplewebauthn/browser')
  // The server made it with the same package; the contract hands it through as it is.
  const optionsJSON = options as unknown as PublicKeyCredentialRequestOptionsJSON
  const given = await startAuthentication({ optionsJSON, useBrowserAutofill: isOffered })
  return { challenge_id, response: { ...given } }
}

export async function makePasskey({ challenge_id, options }: PasskeyChallenge): Promise<Answer> {
  const { startRegistration } = await import('@simplewebauthn/browser')
  // As above.
  const optionsJSON = options as unknown as PublicKeyCredentialCreationOptionsJSON
  const made = await startRegistration({ optionsJSON })
  return { challenge_id, response: { ...made } }
}

/** Whether the browser can offer passkeys in the field of the address. */
export async function canOfferPasskeys(): Promise<boolean> {
  if (!hasPasskeys) return false
  return (await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false
}

/** Ends what waits for a passkey. */
export async function stopAsking(): Promise<void> {
  const { WebAuthnAbortService } = await import('@simplewebauthn/browser')
  WebAuthnAbortService.cancelCeremony()
}

const words: ReadonlyMap<string, { title: string; detail: string }> = new Map(
  Object.entries({
    NotAllowedError: {
      title: 'No passkey was used',
      detail: 'The request was cancelled or timed out. You can try again.',
    },
    InvalidStateError: {
      title: 'This device already has a passkey',
      detail: 'This device or password manager already has your passkey for RustyMail.',
    },
    NotSupportedError: {
      title: 'This device cannot create a passkey',
      detail: 'Try another device, a phone, a security key or a password manager.',
    },
    SecurityError: {
      title: 'Passkeys do not work at this address',
      detail: 'Passkeys need HTTPS and a host name; an IP address does not work.',
    },
  }),
)

/** What the browser means; undefined for what the server said. */
export function passkeyWords(error: Error | null): { title: string; detail: string } | undefined {
  return error === null ? undefined : words.get(error.name)
}

/** Given up for another way to sign in: nobody needs to hear of it. */
export function isGivenUp(error: Error | null): boolean {
  return error?.name === 'AbortError'
}
