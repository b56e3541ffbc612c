/** No test has a timeout of its own: a busy machine would exceed it. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const files = globSync('{contract,server,web,sandbox,test}/**/*.{test,suite}.{ts,tsx}', { cwd: root })

/** Patterns of a timeout in a line: of a poll, a page, `vi.waitFor`, or a whole test. */
const bounds = [
  /\b(?:poll|waitFor\w*|click|fill|hover|test|describe)\b.*\btimeout: ?\d/,
  /\bvi\.waitFor\(.*\), [\d_]+\)$/,
  /^ *\}, [\d_]+\)$/,
]
const isBound = (line: string) => bounds.some(bound => bound.test(line))

test.each([
  'await expect.poll(states, { timeout: 15_000 }).toEqual([])',
  "await live.waitFor({ state: 'detached', timeout: 10_000 })",
  'await vi.waitFor(() => expect(seen).toBe(1), 5_000)',
  '}, 60_000)',
  "test('a thing', { timeout: 90_000 }, async () => {",
])('a bound is seen: %s', line => {
  expect(isBound(line)).toBe(true)
})

test('what must come is waited for as long as test/support/patience.ts says, everywhere', () => {
  const found = files.flatMap(file =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .flatMap((line, index) => (isBound(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  )
  expect(files.length).toBeGreaterThan(300)
  expect(found.filter(line => !line.startsWith('test/patience.test.ts'))).toEqual([])
})
