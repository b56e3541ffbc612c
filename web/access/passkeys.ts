/** The browser's side of passkeys. The WebAuthn package is loaded on first use. */
import type {
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
} from '@simplewebauthn/browser'
import type { PasskeyChallenge } from '../../contract/access.ts'

type Answer = { challenge_id: string; response: Record<string, unknown> }

export const hasPasskeys = typeof PublicKeyCredential === 'function'

/**
 * Asks for a passkey.
 * @param isOffered Offers passkeys in the autofill of the address field instead of opening a dialog.
 */
export async function givePasskey({ challenge_id, options }: PasskeyChallenge, isOffered = false): Promise<Answer> {
  const { startAuthentication } = await import('@simplewebauthn/browser')
  // The cast is true because the server creates the options with the same package.
  const optionsJSON = options as unknown as PublicKeyCredentialRequestOptionsJSON
  const given = await startAuthentication({ optionsJSON, useBrowserAutofill: isOffered })
  return { challenge_id, response: { ...given } }
}

export async function makePasskey({ challenge_id, options }: PasskeyChallenge): Promise<Answer> {
  const { startRegistration } = await import('@simplewebauthn/browser')
  // The cast is true for the same reason.
  const optionsJSON = options as unknown as PublicKeyCredentialCreationOptionsJSON
  const made = await startRegistration({ optionsJSON })
  return { challenge_id, response: { ...made } }
}

/** Returns whether the browser can offer passkeys in autofill. */
export async function canOfferPasskeys(): Promise<boolean> {
  if (!hasPasskeys) return false
  return (await PublicKeyCredential.isConditionalMediationAvailable?.()) ?? false
}

/** Cancels a pending passkey request. */
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

/** Explains an error of the browser; returns undefined for an error of the server. */
export function passkeyWords(error: Error | null): { title: string; detail: string } | undefined {
  return error === null ? undefined : words.get(error.name)
}

/** Returns whether a request was cancelled for another way to sign in, which is not reported. */
export function isGivenUp(error: Error | null): boolean {
  return error?.name === 'AbortError'
}
