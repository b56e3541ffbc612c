/**
 * Hashes passwords with argon2id, a few in parallel: under many attempts the machine stays usable, and memory bounded.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Problem } from '../platform/problem.ts'

export interface PasswordHasherOptions {
  /** Passwords in parallel; each keeps one processor busy for some 90 ms and takes 46 MiB. */
  parallel?: number
  /** Queued passwords; beyond it, the last of those with the highest rank is refused. */
  maxWaiting?: number
  /** Memory per password in KiB, which determines its cost; lower in unrelated tests. */
  memory?: number
}

interface Stored {
  memory: number
  passes: number
  parallelism: number
  salt: Buffer
  tag: Buffer
}

interface Waiting {
  rank: number
  begin(): void
  refuse(problem: Problem): void
}

const derive = promisify(argon2)
/**
 * OWASP Password Storage Cheat Sheet: of its equivalent choices for argon2id the one with the most memory. A block of
 * more than 32 MiB is mapped separately and returned when freed; smaller ones are kept by glibc, 20 MiB and more per
 * thread.
 */
const usual = { memory: 47_104, passes: 1, parallelism: 1 }
const tagBytes = 32
const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

export class PasswordHasher {
  readonly #parallel: number
  readonly #maxWaiting: number
  readonly #cost: typeof usual
  /** The queue by rank, then in order of arrival; at most `maxWaiting`. */
  readonly #waiting: Waiting[] = []
  /** The hash that passwords for unknown users are compared with. */
  readonly #dummy: Stored
  #running = 0

  constructor({ parallel = 2, maxWaiting = 64, memory = usual.memory }: PasswordHasherOptions = {}) {
    this.#parallel = parallel
    this.#maxWaiting = maxWaiting
    this.#cost = { ...usual, memory }
    this.#dummy = { ...this.#cost, salt: randomBytes(16), tag: randomBytes(tagBytes) }
  }

  /** Returns a PHC string to store. @throws Problem overloaded. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(16)
    const tag = await this.#inTurn(0, () => tagOf(password, { ...this.#cost, salt, tag: Buffer.alloc(tagBytes) }))
    const { memory, passes, parallelism } = this.#cost
    return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`
  }

  /**
   * Verifies a password; without a stored one it does the same work and returns false.
   * @param rank Lower ones go first, and are not refused for higher ones.
   * @throws Problem overloaded.
   */
  async verify(password: string, kept: string | null | undefined, rank = 0): Promise<boolean> {
    const stored = typeof kept === 'string' ? parse(kept) : this.#dummy
    const tag = await this.#inTurn(rank, () => tagOf(password, stored))
    return timingSafeEqual(tag, stored.tag) && stored !== this.#dummy
  }

  /**
   * For callers with work to do before `verify`: refuses immediately what would be refused then.
   * @throws Problem overloaded.
   */
  checkRoom(rank: number): void {
    if (this.#waiting.length >= this.#maxWaiting && this.#waiting.at(-1)!.rank <= rank) throw tooMany()
  }

  /**
   * Returns true if the hash has another cost than the current one, and should be renewed once the password is known.
   */
  isOutdated(kept: string): boolean {
    const { memory, passes, parallelism, tag } = parse(kept)
    const today = this.#cost
    const isSame = memory === today.memory && passes === today.passes && parallelism === today.parallelism
    return !isSame || tag.length !== tagBytes
  }

  async #inTurn<Result>(rank: number, work: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#parallel) this.#running++
    else await this.#wait(rank)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // Its slot is handed over, so that no later caller gets it first.
      if (next) next.begin()
      else this.#running--
    }
  }

  #wait(rank: number): Promise<void> {
    const turn = Promise.withResolvers<void>()
    const behind = this.#waiting.findIndex(other => other.rank > rank)
    const place = behind === -1 ? this.#waiting.length : behind
    this.#waiting.splice(place, 0, { rank, begin: turn.resolve, refuse: turn.reject })
    if (this.#waiting.length > this.#maxWaiting) this.#waiting.pop()?.refuse(tooMany())
    return turn.promise
  }
}

function tooMany(): Problem {
  const detail = 'Too many users are signing in at the moment; try again in a few seconds.'
  return new Problem('overloaded', detail, { retryAfterSeconds: 2 })
}

/** Normalised, since keyboards differ in composed and decomposed letters (NIST SP 800-63B, section 3.1.1.2). */
function tagOf(password: string, { memory, passes, parallelism, salt, tag }: Stored): Promise<Buffer> {
  const message = Buffer.from(password.normalize('NFKC'))
  return derive('argon2id', { message, nonce: salt, memory, passes, parallelism, tagLength: tag.length })
}

function parse(kept: string): Stored {
  const [, memory, passes, parallelism, salt, tag] = phc.exec(kept) ?? []
  if (salt === undefined || tag === undefined) throw new Error('a stored password is not a PHC string of argon2id')
  return {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
