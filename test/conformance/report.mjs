/** One line a check. */

export class Report {
  failures = 0
  #print

  constructor(print) {
    this.#print = print
  }

  /** Answers whether it is so. */
  async check(name, body) {
    try {
      await body()
      this.#print(`ok       ${name}`)
      return true
    } catch (error) {
      if (error instanceof Undecided) throw error
      this.failures++
      this.#print(`not ok   ${name}: ${error.cause?.message ?? error.message}`)
      return false
    }
  }

  /** Runs independent checks concurrently, and reports them in order. Returns each result. */
  async checkAll(checks) {
    const begun = checks.map(([name, body]) => {
      const outcome = body()
      outcome.catch(() => undefined)
      return [name, outcome]
    })
    const results = []
    for (const [name, outcome] of begun) results.push(await this.check(name, () => outcome))
    return results
  }

  /** Notes what could not be checked, which is no fault. */
  note(text) {
    this.#print(`-        ${text}`)
  }
}

/** Thrown if it is undecided whether a promise is kept or broken. */
export class Undecided extends Error {}

export function expect(isTrue, otherwise) {
  if (!isTrue) throw new Error(otherwise)
}

export function expectTime(text) {
  expect(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text), `the time ${text}`)
}

export function list(items) {
  return [...new Set(items)].slice(0, 10).join(', ') || 'nothing'
}
