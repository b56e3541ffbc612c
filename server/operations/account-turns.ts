/** What is taken in for an account is stored one call after the other, in the order in which the calls got their ids. */

export interface Turn {
  /** Resolves when all that began before are stored, or are not stored. */
  come(): Promise<void>
  /** As often as is convenient. */
  end(): void
}

export class AccountTurns {
  /** By account: resolves with the end of the last turn. */
  readonly #last = new Map<string, Promise<void>>()

  /** Behind all that began before. To be called before anything is awaited after the ids were given: else another one gets between. */
  begin(accountIds: Iterable<string>): Turn {
    const accounts = new Set(accountIds)
    const before = [...accounts].flatMap(id => this.#last.get(id) ?? [])
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const id of accounts) this.#last.set(id, promise)
    const over = () => {
      for (const id of accounts) if (this.#last.get(id) === promise) this.#last.delete(id)
      resolve()
    }
    // One that gives up before its turn comes does not let those behind it pass those before it.
    const end = before.length > 0 ? () => void Promise.all(before).then(over) : over
    return {
      come: async () => {
        if (before.length > 0) await Promise.all(before)
      },
      end,
    }
  }
}
