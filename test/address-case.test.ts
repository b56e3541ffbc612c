/** Addresses and names of mail servers are folded by `lowerAscii`: `toLowerCase` maps other mailboxes onto ours. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const files = globSync('{server,web,sandbox}/**/*.{ts,tsx}', { cwd: root, exclude: ['**/*.{test,suite}.{ts,tsx}'] })

const folded = /\b(?:e?mail|address|own|ownEmail|envelope\.from|serverId|sought)\)?\??\.toLowerCase\(\)/

/** `Email` of the contract rejects letters that fold to others; the others search, or compare a column of their own. */
const known = new Set([
  'server/users/user-service.ts',
  'server/users/user-store.ts',
  'server/clients/client-service.ts',
  'server/mcp/offer-completion.ts',
  'web/accounts/account-checks.tsx',
])

test('no address is compared after Unicode case folding', () => {
  const found = files.filter(file => folded.test(readFileSync(join(root, file), 'utf8')))
  expect(files.length).toBeGreaterThan(900)
  expect(found.filter(file => !known.has(file))).toEqual([])
})
