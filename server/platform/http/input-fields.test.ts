/** What the trail may know of an input: nothing of a secret, wherever it stands. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { secret } from '../../../contract/wire.ts'
import { fieldNames, fieldsOf, leaveSecretsOut } from './http-input.ts'

const password = secret(z.string().min(3))

test('a secret is left out wherever it stands, and what is beside it stays', () => {
  const body = z.strictObject({
    name: z.string(),
    imap: z.strictObject({ host: z.string(), password: password.optional() }).nullable(),
    list: z.array(z.strictObject({ id: z.int(), code: password.nullable() })),
    map: z.record(z.string(), z.strictObject({ token: password.default('none'), on: z.boolean() })),
    either: z.union([z.literal('no'), z.strictObject({ key: password })]),
    made: z.string().pipe(password.min(9)).optional(),
    proof: secret(z.record(z.string(), z.unknown())),
  })
  const safe = leaveSecretsOut({ body })
  const given = {
    name: 'Ann',
    imap: { host: 'a', password: 'canary' },
    list: [
      { id: 1, code: 'canary' },
      { id: 2, code: null },
    ],
    map: { canaries: { token: 'canary', on: true } },
    either: { key: 'canary' },
    proof: { any: ['canary'] },
  }
  expect(safe({ query: { limit: 3 }, body: given })).toEqual({
    query: { limit: 3 },
    body: {
      name: 'Ann',
      imap: { host: 'a' },
      list: [{ id: 1 }, { id: 2 }],
      map: { canaries: { on: true } },
      either: {},
    },
  })
  const made = leaveSecretsOut({ body: z.strictObject({ made: password.transform(text => ({ text })) }) })
  expect(made({ query: undefined, body: { made: { text: 'canary' } } })).toBeUndefined()
})

test('where nothing but secrets was sent nothing is left', () => {
  const safe = leaveSecretsOut({ query: z.strictObject({}), body: z.strictObject({ password, code: password }) })
  expect(safe({ query: {}, body: { password: 'a', code: 'b' } })).toBeUndefined()
  expect(leaveSecretsOut({ body: password })({ query: undefined, body: 'canary' })).toBeUndefined()
  expect(leaveSecretsOut({})({ query: undefined, body: undefined })).toBeUndefined()
})

test('a kind of schema that is not inspected is rejected, and not taken for one without secrets', () => {
  const within = z.strictObject({ both: z.tuple([password]) })
  expect(() => fieldsOf(within)).toThrow('the kind tuple')
})

test('fields are called by their names alone', () => {
  expect(fieldNames({ name: 'Ann', imap: { host: 'a', tls: undefined }, accounts: ['x'], smtp: null })).toEqual([
    'name',
    'imap.host',
    'accounts',
    'smtp',
  ])
  expect(fieldNames(undefined)).toEqual([])
})
