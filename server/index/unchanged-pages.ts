/** Which pages are still right because nothing was written since the thread that lists said so: then it need not be asked, nor waited for. */

/** Of one account; the one noted longest ago goes first. */
const maxTags = 1_000

interface AccountPages {
  /** Of pages that were right after the last write. Each write begins another set. */
  tags: Set<string>
  writes: number
}

export class UnchangedPages {
  readonly #accounts = new Map<string, AccountPages>()

  /** @param tag Of a page that its caller has. */
  holds(accountId: string, tag: string | undefined): boolean {
    return tag !== undefined && this.#accounts.get(accountId)?.tags.has(tag) === true
  }

  /** Asks for a page, and notes its tag where nothing began to be written before its answer. */
  async reading<Answer>(
    accountId: string,
    read: () => Promise<Answer>,
    tagOf: (answer: Answer) => string | undefined,
  ): Promise<Answer> {
    const { tags, writes } = this.#of(accountId)
    const answer = await read()
    const tag = writes === 0 && this.#accounts.get(accountId)?.tags === tags ? tagOf(answer) : undefined
    if (tag !== undefined) tags.add(tag)
    if (tags.size > maxTags) tags.delete(tags.values().next().value!)
    return answer
  }

  /** Whatever comes of it: it may have been written. */
  async writing<Result>(accountId: string, write: () => Promise<Result>): Promise<Result> {
    const account = this.#of(accountId)
    account.tags = new Set()
    account.writes++
    try {
      return await write()
    } finally {
      account.writes--
      if (account.writes === 0 && this.#accounts.get(accountId) === account) this.#accounts.delete(accountId)
    }
  }

  /** What is read of it at this moment is not noted either. */
  forget(accountId: string): void {
    this.#accounts.delete(accountId)
  }

  #of(accountId: string): AccountPages {
    const account = this.#accounts.get(accountId) ?? { tags: new Set(), writes: 0 }
    this.#accounts.set(accountId, account)
    return account
  }
}
