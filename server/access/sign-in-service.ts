/** Signing in with a password and, if the user has one, a second factor. A rejected caller is not told the reason. */
import { randomBytes } from 'node:crypto'
import type { Logger } from '../platform/logger.ts'
import { placeOf } from '../platform/network/caller-address.ts'
import { Problem } from '../platform/problem.ts'
import type { PasswordHasher } from '../users/password-hasher.ts'
import type { People } from '../users/people.ts'
import type { UserRow } from '../users/user-tables.ts'
import type { OpenedSession, SessionService, Whence } from './session-service.ts'
import { type Attempt, codeOf, passwordOf, type SignInThrottle } from './sign-in-throttle.ts'

export interface SignInServiceOptions {
  users: Pick<People, 'find' | 'findByEmail' | 'renewPasswordHash'>
  sessions: Pick<SessionService, 'open'>
  hasher: Pick<PasswordHasher, 'verify' | 'checkRoom' | 'hash' | 'isOutdated'>
  throttle: SignInThrottle
  factors: { isNeeded(user: UserRow): boolean; verify(user: UserRow, code: string): Promise<boolean> }
  now: () => number
  logger: Logger
}

export type SignIn = ({ status: 'signed_in' } & OpenedSession) | { status: 'second_factor'; challenge: string }

type Tried = (userId: string) => void

/** A sign-in whose password was right and whose second factor is pending. */
interface Challenge {
  userId: string
  /** The network from which the password was sent. */
  place: string
  /** The hash at that time: a challenge is void once the password changes. */
  passwordHash: string | null
  endsAt: number
  triesLeft: number
}

const challengeLifeMs = 5 * 60_000
const triesPerChallenge = 5
/**
 * Upper bound of open challenges. Beyond it the oldest is evicted, first of the same user and place, so that nobody
 * evicts those of others, and the thief of a password cannot keep its owner from entering a code.
 */
const maxChallenges = 1000
const maxChallengesPerUser = 50
const maxChallengesPerPlace = 5

export class SignInService {
  readonly #options: SignInServiceOptions
  readonly #challenges = new Map<string, Challenge>()

  constructor(options: SignInServiceOptions) {
    this.#options = options
  }

  /**
   * Signs in by password.
   * @param email In lower case.
   * @param tried Called with the id of the account's user, also when the password is wrong: for the trail, not for the
   * response.
   */
  async withPassword(email: string, password: string, from: Whence, tried: Tried = () => undefined): Promise<SignIn> {
    const { users, hasher, factors, sessions } = this.#options
    const attempt = { user: passwordOf(email), address: from.address }
    const user = await this.#try(attempt, async rank => {
      // Checked before the database is read: in a flood, most attempts are rejected here.
      hasher.checkRoom(rank)
      const found = await users.findByEmail(email)
      if (found) tried(found.id)
      const usable = found && found.disabled === 0 ? found : undefined
      // Without a hash the hasher does the same work, so that the timing does not disclose who is a user.
      const isRight = await hasher.verify(password, usable?.password_hash, rank)
      return isRight && usable ? this.#renew(usable, password, rank) : undefined
    })
    if (!user) throw new Problem('sign_in_failed', 'No user has this email and this password.')
    if (factors.isNeeded(user))
      return { status: 'second_factor', challenge: this.#challenge(user, placeOf(from.address)) }
    return { status: 'signed_in', ...(await sessions.open(user, 'password', from)) }
  }

  async withSecondFactor(
    challenge: string,
    code: string,
    from: Whence,
    tried: Tried = () => undefined,
  ): Promise<OpenedSession> {
    const { users, factors, sessions } = this.#options
    const pending = this.#challenges.get(challenge)
    if (!pending || this.#options.now() > pending.endsAt || pending.triesLeft === 0) throw this.#tooLate(challenge)
    tried(pending.userId)
    // Six digits can be guessed from many addresses, a recovery code cannot: with one, the owner always gets in.
    const isShort = /^[\d\s]+$/.test(code)
    const attempt = { user: codeOf(pending.userId), address: from.address, isShort }
    const user = await this.#try(attempt, async () => {
      // Counted before the code is checked, so that parallel requests get no extra tries.
      pending.triesLeft--
      const found = await users.find(pending.userId)
      if (found?.disabled !== 0 || found.password_hash !== pending.passwordHash) throw this.#tooLate(challenge)
      return (await factors.verify(found, code)) ? found : undefined
    })
    if (!user) throw new Problem('sign_in_failed', 'This code is wrong or was already used.')
    // Deleted before the session opens: of two right codes in parallel, only one opens a session.
    if (!this.#challenges.delete(challenge)) throw this.#tooLate(challenge)
    return sessions.open(user, 'password', from)
  }

  /** Rehashes a right password with the current cost. Returns undefined if it is no longer right. */
  async #renew(user: UserRow, password: string, rank: number): Promise<UserRow | undefined> {
    const { users, hasher, logger } = this.#options
    const before = user.password_hash
    if (before === null || !hasher.isOutdated(before)) return user
    const after = await hasher.hash(password)
    if (await users.renewPasswordHash(user.id, before, after)) {
      logger.info({ user: user.id }, 'a password was hashed again with the current cost')
      return { ...user, password_hash: after }
    }
    // Another request was faster: the same person in another tab, or a change of the password.
    const current = await users.find(user.id)
    if (!current || current.disabled) return undefined
    return (await hasher.verify(password, current.password_hash, rank)) ? current : undefined
  }

  /** Runs one throttled attempt; one that throws is neither right nor wrong, and does not count. */
  async #try(attempt: Attempt, look: (rank: number) => Promise<UserRow | undefined>): Promise<UserRow | undefined> {
    const { throttle, logger } = this.#options
    const rank = throttle.check(attempt)
    try {
      const user = await look(rank)
      if (user) throttle.succeeded(attempt)
      else throttle.failed(attempt)
      // The email is not logged, since people type passwords into that field.
      if (!user) logger.info({ address: attempt.address }, 'a sign-in failed')
      return user
    } catch (error) {
      throttle.withdrawn(attempt)
      throw error
    }
  }

  #challenge(user: UserRow, place: string): string {
    const own = [...this.#challenges].filter(([, { userId }]) => userId === user.id)
    const here = own.filter(([, challenge]) => challenge.place === place)
    const surplus = here.length >= maxChallengesPerPlace ? here[0] : own[maxChallengesPerUser - 1] && own[0]
    if (surplus) this.#challenges.delete(surplus[0])
    if (this.#challenges.size >= maxChallenges) this.#challenges.delete(this.#challenges.keys().next().value!)
    const challenge = randomBytes(24).toString('base64url')
    this.#challenges.set(challenge, {
      userId: user.id,
      place,
      passwordHash: user.password_hash,
      endsAt: this.#options.now() + challengeLifeMs,
      triesLeft: triesPerChallenge,
    })
    return challenge
  }

  #tooLate(challenge: string): Problem {
    this.#challenges.delete(challenge)
    return new Problem('challenge_invalid', 'This took too long, or too many codes were wrong. Start again.')
  }
}
