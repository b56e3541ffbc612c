/**
 * Reports tests that passed only on retry at the end of a run, where they are not overlooked. A test that is already in
 * the kept record fails the run: if it needs luck twice, it or its subject is broken.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

const head = `# Tests that passed only when they were tried again, one a line. The next time the run fails.
# Once the cause is found and repaired, remove the line.
`

export class RetriedTests implements Reporter {
  readonly #record: string
  readonly #root: string

  /** @param record The file in which they are recorded across runs. */
  constructor(record: string, root: string) {
    this.#record = record
    this.#root = root
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap(module => this.#retriedIn(module))
    if (names.length === 0) return
    const known = existsSync(this.#record) ? readFileSync(this.#record, 'utf8') : head
    const lines = new Set(known.split('\n'))
    const [again, first] = [names.filter(name => lines.has(name)), names.filter(name => !lines.has(name))]
    const place = relative(this.#root, this.#record)
    say(`Passed only at the second try; kept in ${place}, which is to be committed:`, first)
    say(`Passed only at the second try, again (${place}): the run has failed.`, again)
    if (again.length > 0) process.exitCode = 1
    writeFileSync(this.#record, known + first.map(name => `${name}\n`).join(''))
  }

  #retriedIn(module: TestModule): string[] {
    const retried = [...module.children.allTests()].filter(test => test.diagnostic()?.flaky)
    return retried.map(test => `${relative(this.#root, module.moduleId)} > ${test.fullName}`)
  }
}

function say(words: string, names: string[]): void {
  if (names.length > 0) process.stdout.write(`\n${[words, ...names].join('\n  ')}\n`)
}
