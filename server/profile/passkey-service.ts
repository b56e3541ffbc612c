/** Passkeys: adding them, and signing in with them without a user name. The caller opens sessions. */
import { isIP } from 'node:net'
import type { PasskeyChallenge } from '../../contract/access.ts'
import type { Passkey } from '../../contract/profile.ts'
import type { Database } from '../platform/database/database.ts'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { Passkeys, People } from '../users/people.ts'
import type { PasskeyRow, UserRow } from '../users/user-tables.ts'
import { challengeLifeMs, PasskeyChallenges } from './passkey-challenges.ts'
import { AssertionJson, RegistrationJson } from './passkey-json.ts'

export interface PasskeyServiceOptions {
  store: Passkeys
  users: Pick<People, 'find'>
  /** The URL in the browser's address bar: RUSTYMAIL_PUBLIC_URL, or else `http://localhost:<port>`. */
  origin: () => string
  now: () => number
  logger: Logger
}

const maxPerUser = 20
/** Ed25519, ES256 and RS256: what authenticators support, and every Node can verify. */
const supportedAlgorithmIDs = [-8, -7, -257]
const signInPurpose = 'sign-in'

export class PasskeyService {
  readonly #options: PasskeyServiceOptions
  readonly #challenges: PasskeyChallenges

  constructor(options: PasskeyServiceOptions) {
    this.#options = options
    this.#challenges = new PasskeyChallenges(options)
  }

  /**
   * Returns true if a browser that requested this host can use passkeys. With HTTPS a proxy may have replaced the host,
   * so only the public URL decides there.
   */
  worksAt(host: string | undefined): boolean {
    const url = this.#url
    return isUsable(url) && (url.protocol === 'https:' || url.host === host)
  }

  async list(userId: string): Promise<Passkey[]> {
    return (await this.#options.store.listOf(userId)).map(toPasskey)
  }

  /** @param browserOrigin The origin of the page; browsers refuse passkeys outside the public URL. */
  async beginAdding(principalId: string, user: UserRow, browserOrigin: string | undefined): Promise<PasskeyChallenge> {
    const url = this.#url
    if (!isUsable(url)) {
      const detail =
        'Browsers allow passkeys only over HTTPS with a host name, or on localhost. Set RUSTYMAIL_PUBLIC_URL to such an address.'
      throw new Problem('passkeys_need_https', detail)
    }
    if (browserOrigin !== undefined && browserOrigin !== url.origin) {
      throw new Problem('passkeys_need_https', `Passkeys work only at ${url.origin}: open RustyMail there.`)
    }
    const known = await this.#options.store.listOf(user.id)
    const challenge = this.#challenges.issue(addingPurpose(principalId))
    const { generateRegistrationOptions } = await loadWebAuthn()
    const options = await generateRegistrationOptions({
      rpName: 'RustyMail',
      rpID: url.hostname,
      userID: userHandle(user),
      userName: user.email,
      userDisplayName: user.name,
      challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
      timeout: challengeLifeMs,
      attestationType: 'none',
      excludeCredentials: known.map(({ id }) => ({ id })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      supportedAlgorithmIDs,
    })
    return { challenge_id: challenge, options: { ...options } }
  }

  /** Verifies the browser's response. The passkey is valid once it was passed to `keep`. */
  async finishAdding(
    principalId: string,
    user: UserRow,
    given: { challenge_id: string; name: string; response: unknown },
  ): Promise<PasskeyRow> {
    this.#challenges.check(given.challenge_id, addingPurpose(principalId))
    const registration = RegistrationJson.safeParse(given.response)
    if (!registration.success) throw this.#notAdded(registration.error)
    const { verifyRegistrationResponse } = await loadWebAuthn()
    const { registrationInfo } = await verifyRegistrationResponse({
      response: { ...registration.data, clientExtensionResults: {} },
      expectedChallenge: given.challenge_id,
      expectedOrigin: this.#url.origin,
      expectedRPID: this.#url.hostname,
      requireUserVerification: true,
      supportedAlgorithmIDs,
    }).catch((error: unknown) => {
      throw this.#notAdded(error)
    })
    if (!registrationInfo) throw this.#notAdded(new Error('the attestation is not valid'))
    this.#challenges.use(given.challenge_id)
    const { credential, credentialBackedUp } = registrationInfo
    return {
      id: credential.id,
      user_id: user.id,
      name: given.name,
      public_key: Buffer.from(credential.publicKey).toString('base64url'),
      counter: credential.counter,
      transports: JSON.stringify(registration.data.response.transports),
      is_backed_up: credentialBackedUp ? 1 : 0,
      created_at: new Date(this.#options.now()).toISOString(),
      last_used_at: null,
    }
  }

  async keep(row: PasskeyRow, transaction: Database): Promise<Passkey> {
    const { store } = this.#options
    if ((await store.countOf(row.user_id, transaction)) >= maxPerUser) {
      throw new Problem('passkey_refused', `You already have ${maxPerUser} passkeys; remove one first.`)
    }
    if (await store.find(row.id, transaction))
      throw new Problem('passkey_refused', 'This passkey is already registered.')
    await store.insert(row, transaction)
    return toPasskey(row)
  }

  /** Throws if no way to sign in would be left. */
  async remove(user: UserRow, passkeyId: string, transaction: Database): Promise<void> {
    const { store } = this.#options
    if (!(await store.delete(user.id, passkeyId, transaction))) {
      throw new Problem('passkey_not_found', 'You have no such passkey.')
    }
    if (user.password_hash !== null || user.oidc_subject !== null) return
    if ((await store.countOf(user.id, transaction)) > 0) return
    throw new Problem(
      'last_way_in',
      'Without it you could no longer sign in. Set a password or add another passkey first.',
    )
  }

  /** Names no user: the authenticator offers its passkeys for this origin. */
  async beginSignIn(): Promise<PasskeyChallenge> {
    return this.#ask(this.#challenges.issue(signInPurpose))
  }

  /**
   * Returns the user whose passkey has signed; it combines two factors, so no second one is required.
   * @param tried Called with the owner of the named passkey, also if it did not sign: for the trail only.
   */
  async finishSignIn(
    given: { challenge_id: string; response: unknown },
    tried: (userId: string) => void = () => undefined,
  ): Promise<UserRow> {
    this.#challenges.check(given.challenge_id, signInPurpose)
    const assertion = AssertionJson.safeParse(given.response)
    const passkey = assertion.success ? await this.#options.store.find(assertion.data.id) : undefined
    const user = passkey && (await this.#options.users.find(passkey.user_id))
    if (!assertion.success || !passkey || !user) throw this.#notSignedIn('nobody has this passkey')
    tried(user.id)
    const use = await this.#verify(assertion.data, passkey, user, given.challenge_id)
    this.#challenges.use(given.challenge_id)
    if (user.disabled) throw this.#notSignedIn('the user is disabled', user)
    if (!(await this.#options.store.use(passkey.id, use))) throw this.#notSignedIn('the counter went back', user)
    return user
  }

  async has(userId: string): Promise<boolean> {
    return (await this.#options.store.countOf(userId)) > 0
  }

  /** Begins a user's confirmation of one action. @param purpose What, and by whom; `confirm` requires the same. */
  async beginConfirming(userId: string, purpose: string): Promise<PasskeyChallenge> {
    if (!isUsable(this.#url)) throw new Problem('passkeys_need_https', 'Passkeys need HTTPS, and a host name.')
    if (!(await this.has(userId)))
      throw new Problem('passkey_not_found', 'You have no passkey; add one to your profile.')
    return this.#ask(this.#challenges.issue(confirmingPurpose(purpose)))
  }

  /** @throws Problem unless a passkey of this user has signed the challenge, with user verification; valid once. */
  async confirm(userId: string, purpose: string, given: { challenge_id: string; response: unknown }): Promise<void> {
    this.#challenges.check(given.challenge_id, confirmingPurpose(purpose))
    const { store, users } = this.#options
    const assertion = AssertionJson.safeParse(given.response)
    const passkey = assertion.success ? await store.find(assertion.data.id) : undefined
    const user = passkey?.user_id === userId ? await users.find(userId) : undefined
    if (!assertion.success || !passkey || !user || user.disabled) throw notConfirmed()
    const use = await this.#verify(assertion.data, passkey, user, given.challenge_id).catch((cause: unknown) => {
      throw notConfirmed(cause)
    })
    this.#challenges.use(given.challenge_id)
    if (!(await store.use(passkey.id, use))) throw notConfirmed()
  }

  async #ask(challenge: string): Promise<PasskeyChallenge> {
    const { generateAuthenticationOptions } = await loadWebAuthn()
    const options = await generateAuthenticationOptions({
      rpID: this.#url.hostname,
      challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
      timeout: challengeLifeMs,
      userVerification: 'required',
    })
    return { challenge_id: challenge, options: { ...options } }
  }

  async #verify(assertion: AssertionJson, passkey: PasskeyRow, user: UserRow, expectedChallenge: string) {
    if (assertion.response.userHandle !== Buffer.from(userHandle(user)).toString('base64url')) {
      throw this.#notSignedIn('the user handle is not its owner’s', user)
    }
    const { verifyAuthenticationResponse } = await loadWebAuthn()
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: { ...assertion, clientExtensionResults: {} },
      expectedChallenge,
      expectedOrigin: this.#url.origin,
      expectedRPID: this.#url.hostname,
      requireUserVerification: true,
      credential: {
        id: passkey.id,
        publicKey: new Uint8Array(Buffer.from(passkey.public_key, 'base64url')),
        counter: passkey.counter,
      },
    }).catch((error: unknown) => {
      throw this.#notSignedIn(error instanceof Error ? error.message : 'not readable', user)
    })
    if (!verified) throw this.#notSignedIn('the signature is not valid', user)
    return {
      counter: authenticationInfo.newCounter,
      is_backed_up: authenticationInfo.credentialBackedUp ? 1 : 0,
      last_used_at: new Date(this.#options.now()).toISOString(),
    }
  }

  get #url(): URL {
    return new URL(this.#options.origin())
  }

  #notAdded(err: unknown): Problem {
    this.#options.logger.info({ err }, 'a passkey was not added')
    const detail =
      'The browser’s response is invalid. Try again, or use another device that can verify you with a PIN or fingerprint.'
    return new Problem('passkey_refused', detail, { cause: err })
  }

  /** Always the same words, so that they do not disclose who exists or may sign in. */
  #notSignedIn(reason: string, user?: UserRow): Problem {
    this.#options.logger.warn({ reason, user: user?.id }, 'a sign-in with a passkey was refused')
    return new Problem('sign_in_failed', 'This passkey is not registered here. Sign in another way.')
  }
}

/** Loaded on demand, since it takes a third of a second and many modules. */
function loadWebAuthn() {
  return import('@simplewebauthn/server')
}

/** The same for all passkeys of a user, and without personal data. */
function userHandle(user: UserRow): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(user.id, 'hex'))
}

function confirmingPurpose(purpose: string): string {
  return `confirm ${purpose}`
}

function notConfirmed(cause?: unknown): Problem {
  return new Problem('passkey_required', 'This is not a response of one of your passkeys; try again.', { cause })
}

function addingPurpose(principalId: string): string {
  return `add ${principalId}`
}

/** Browsers bind passkeys to a host name (never an IP address), over HTTPS or on this machine. */
function isUsable({ protocol, hostname }: URL): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true
  return protocol === 'https:' && isIP(hostname.replaceAll(/[[\]]/g, '')) === 0
}

function toPasskey({ id, name, is_backed_up, created_at, last_used_at }: PasskeyRow): Passkey {
  return { id, name, is_backed_up: is_backed_up === 1, created_at, last_used_at }
}
