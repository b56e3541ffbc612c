/** Every operation has a readable name: those of the contract, and those that only the server's source names. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { namedOperations, operationTyped, operationWords } from './operation-words.ts'

const root = join(import.meta.dirname, '../..')

const ofContract = Object.entries(api).flatMap(([group, endpoints]) =>
  Object.keys(endpoints).map(name => `${group}.${name}`),
)

/** Collects the operations that the source names as `name`, `operation`, an audit row or a tool. */
function ofSource(): string[] {
  const files = globSync('server/**/*.ts', { cwd: root }).filter(file => !/\.(test|suite)\.ts$/.test(file))
  const sources = files.map(file => readFileSync(join(root, file), 'utf8'))
  const operations = sources.flatMap(text => [
    ...text.matchAll(/(?:\bname:|\boperation(?::| =)|#ownRow\(|\|)\s*'([a-z]+\.[a-z][A-Za-z]*)'/g),
  ])
  const tools = sources.flatMap(text => [...text.matchAll(/define\w*Tool\(\{\s*(?:\.\.\.\w+,\s*)?name: '(\w+)'/g)])
  return [...operations.map(([, name]) => name!), ...tools.map(([, name]) => `tool.${name}`)]
}

test('every operation of the contract, and every one that the trail may name, has words', () => {
  const named = ofSource()
  expect(named).toEqual(
    expect.arrayContaining(['tool.mail_read', 'audit.forget', 'audit.exportAudit', 'cli.rotateKey', 'oidc.enableUser']),
  )
  const all = [...new Set([...ofContract, ...named])]
  expect(all.filter(name => !namedOperations.includes(name))).toEqual([])
  expect(namedOperations.filter(name => !all.includes(name))).toEqual([])
})

test('words are readable, and no two operations share theirs', () => {
  expect(operationWords('mail.listMessages')).toBe('Listed messages')
  const all = namedOperations.map(operationWords)
  expect(all.filter(text => !/^[A-Z][A-Za-z: -]+$/.test(text))).toEqual([])
  expect(all.filter((text, index) => all.indexOf(text) !== index).toSorted()).toEqual([])
})

test('what is typed may be the words or the name', () => {
  expect(['connected an account ', 'Tool: read a message'].map(operationTyped)).toEqual([
    'accounts.createAccount',
    'tool.mail_read',
  ])
  expect(['mail.', 'mail.listMessages', 'Connected', ''].map(operationTyped)).toEqual([
    'mail.',
    'mail.listMessages',
    'Connected',
    '',
  ])
})

test.each(['constructor', '__proto__', 'mail.notYetKnown'])(
  'an operation %s without words goes by its own name',
  name => {
    expect(operationWords(name)).toBe(name)
  },
)
