/** Serializes the storing of accepted calls per account, in the order in which the calls got their ids. */

export interface Turn {
  /** Resolves when all earlier turns have ended, whether or not they stored anything. */
  come(): Promise<void>
  /** Ends the turn. Idempotent. */
  end(): void
}

export class AccountTurns {
  /** By account id: resolves when the last turn has ended. */
  readonly #last = new Map<string, Promise<void>>()

  /** Queues a turn behind all earlier ones. Nothing may be awaited between taking ids and this call. */
  begin(accountIds: Iterable<string>): Turn {
    const accounts = new Set(accountIds)
    const before = [...accounts].flatMap(id => this.#last.get(id) ?? [])
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const id of accounts) this.#last.set(id, promise)
    const over = () => {
      for (const id of accounts) if (this.#last.get(id) === promise) this.#last.delete(id)
      resolve()
    }
    // A turn that ends before it came must not let later turns overtake earlier ones.
    const end = before.length > 0 ? () => void Promise.all(before).then(over) : over
    return {
      come: async () => {
        if (before.length > 0) await Promise.all(before)
      },
      end,
    }
  }
}
