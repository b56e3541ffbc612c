/** A sealed file gives nothing without its passphrase, and says what is wrong with it. */
import { expect, test } from 'vitest'
import { AccountsFile } from '../../contract/account-moving.ts'
import { openAccounts, sealAccounts } from './sealed-file.ts'

const cost = { memory_kib: 8_192, passes: 1, parallelism: 1 }
const words = 'nine green doors'
const seal = () => sealAccounts([{ email: 'ann@example.org', password: 'top-secret-4711' }], words, { cost })
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: { extension: object }) => error,
  )

test('what was sealed is opened by the same passphrase, in any of its forms', async () => {
  const file = await sealAccounts([{ a: 1 }], 'größe größe', { cost })
  expect(AccountsFile.parse(file)).toEqual(file)
  expect(await openAccounts(file, 'größe größe'.normalize('NFD'))).toEqual([{ a: 1 }])
  const sealed = await seal()
  expect(JSON.stringify(sealed)).not.toMatch(/ann@|4711/)
  // Another salt and nonce each time.
  expect((await seal()).sealed).not.toBe(sealed.sealed)
})

test('a wrong passphrase is told from a damaged file, wherever it was changed', async () => {
  const file = await seal()
  const fault = (path: string) => ({ code: 'bad_request', extension: { errors: [{ path }] } })
  expect(await errorOf(openAccounts(file, `${words}.`))).toMatchObject(fault('body.passphrase'))
  const turned = (text: string) => `${text[0] === 'A' ? 'B' : 'A'}${text.slice(1)}`
  const damaged: AccountsFile[] = [
    { ...file, sealed: turned(file.sealed) },
    { ...file, sealed: file.sealed.slice(0, -8) },
    { ...file, sealed: '' },
    { ...file, accounts: 2 },
    { ...file, created_at: '2020-01-01T00:00:00.000Z' },
    { ...file, cipher: { ...file.cipher, tag: turned(file.cipher.tag) } },
    { ...file, cipher: { ...file.cipher, nonce: turned(file.cipher.nonce) } },
    { ...file, cipher: { ...file.cipher, nonce: '' } },
    { ...file, cipher: { ...file.cipher, tag: 'AAAA' } },
    { ...file, kdf: { ...file.kdf, salt: 'AAAA' } },
  ]
  for (const one of damaged) expect(await errorOf(openAccounts(one, words))).toMatchObject(fault('body.file'))
  // Key derivation parameters are authenticated, too.
  for (const kdf of [{ passes: 2 }, { salt: turned(file.kdf.salt) }])
    expect(await errorOf(openAccounts({ ...file, kdf: { ...file.kdf, ...kdf } }, words))).toMatchObject(
      fault('body.passphrase'),
    )
})
