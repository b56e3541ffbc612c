/** Signing in with a password and, where there is one, a second factor. A rejected caller learns nothing about the reason. */
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

/** Someone whose password was right. */
interface Challenge {
  userId: string
  /** Where the password was given. */
  place: string
  /** With another password than then, it is no longer valid. */
  passwordHash: string | null
  endsAt: number
  triesLeft: number
}

const challengeLifeMs = 5 * 60_000
const triesPerChallenge = 5
/**
 * Open at once; when there is one more, the oldest is evicted: of the same user at the same place first, so that nobody pushes
 * others out, and who has stolen a password does not keep its owner from giving a code.
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
   * @param email In lower case.
   * @param tried Hears whose account it is, also when the password is wrong: for the trail, not for the answer.
   */
  async withPassword(email: string, password: string, from: Whence, tried: Tried = () => undefined): Promise<SignIn> {
    const { users, hasher, factors, sessions } = this.#options
    const attempt = { user: passwordOf(email), address: from.address }
    const user = await this.#try(attempt, async rank => {
      // Before the database is asked: in a flood most are sent away here.
      hasher.checkRoom(rank)
      const found = await users.findByEmail(email)
      if (found) tried(found.id)
      const usable = found && found.disabled === 0 ? found : undefined
      // Without one the hasher does the same work for nothing: the time tells nobody who is a user here.
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
    // Six digits can be guessed from many addresses, a recovery code cannot: with one the owner always gets in.
    const isShort = /^[\d\s]+$/.test(code)
    const attempt = { user: codeOf(pending.userId), address: from.address, isShort }
    const user = await this.#try(attempt, async () => {
      // Before the code is looked at, so that many at once are no more tries.
      pending.triesLeft--
      const found = await users.find(pending.userId)
      if (found?.disabled !== 0 || found.password_hash !== pending.passwordHash) throw this.#tooLate(challenge)
      return (await factors.verify(found, code)) ? found : undefined
    })
    if (!user) throw new Problem('sign_in_failed', 'This code is wrong or was already used.')
    // Gone before the session is there: of two right codes at once, one opens it.
    if (!this.#challenges.delete(challenge)) throw this.#tooLate(challenge)
    return sessions.open(user, 'password', from)
  }

  /** Keeps a right password with today's cost. Undefined when it is not right any more. */
  async #renew(user: UserRow, password: string, rank: number): Promise<UserRow | undefined> {
    const { users, hasher, logger } = this.#options
    const before = user.password_hash
    if (before === null || !hasher.isOutdated(before)) return user
    const after = await hasher.hash(password)
    if (await users.renewPasswordHash(user.id, before, after)) {
      logger.info({ user: user.id }, 'a password was hashed again with the current cost')
      return { ...user, password_hash: after }
    }
    // Somebody was faster: the same person in another tab, or who changed the password.
    const current = await users.find(user.id)
    if (!current || current.disabled) return undefined
    return (await hasher.verify(password, current.password_hash, rank)) ? current : undefined
  }

  /** What is neither right nor wrong, since it failed, does not count. */
  async #try(attempt: Attempt, look: (rank: number) => Promise<UserRow | undefined>): Promise<UserRow | undefined> {
    const { throttle, logger } = this.#options
    const rank = throttle.check(attempt)
    try {
      const user = await look(rank)
      if (user) throttle.succeeded(attempt)
      else throttle.failed(attempt)
      // Without the email: people type passwords there.
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
