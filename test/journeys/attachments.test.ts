/**
 * A long attachment on a real mail server: interrupted, resumed with `Range`, and the same bytes at the end, also in an
 * archive and in the whole message.
 */
import { createHash, randomBytes } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { attachmentPath, attachmentsZipPath, messageRawPath } from '../../contract/mail.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { fill } from '../support/mail-world.ts'
import { readZip } from '../support/read-zip.ts'
import { available } from '../support/require.ts'
import { apiKey, startHere } from '../support/rustymail.ts'

const bytes = randomBytes(9 * 1024 * 1024)
const sha256 = (...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex')
const quotedPrintable = () =>
  [...bytes.subarray(0, 1_200_000)]
    .map((byte, at) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}${at % 24 === 23 ? '=\n' : ''}`)
    .join('')

describe.skipIf(!available('dovecot'))('on Dovecot', () => {
  let dovecot: Dovecot

  beforeAll(async () => {
    dovecot = await startDovecot()
    return () => dovecot.stop()
  })

  test.each([
    ['base64', bytes, () => bytes.toString('base64').replaceAll(/.{76}/g, '$&\n')],
    ['quoted-printable', bytes.subarray(0, 1_200_000), quotedPrintable],
  ] as const)('a %s attachment has the same bytes in pieces as in one', async (encoding, file, encoded) => {
    const head = `From: Bob <bob@test.local>\nSubject: ${encoding}\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n`
    const part = `--b\nContent-Type: application/zip\nContent-Disposition: attachment; filename=a.zip\nContent-Transfer-Encoding: ${encoding}\n\n`
    const sent = `${head}--b\n\nhello\n${part}${encoded()}\n--b--\n`
    await dovecot.appendMessage('alice@test.local', sent)
    const run = await startHere()
    const imap = { host: '127.0.0.1', port: dovecot.imapPort, tls: 'none', user: 'alice@test.local' }
    const body = { email: 'alice@test.local', imap: { ...imap, password: 'pw-alice' } }
    const { id } = await run.call(api.accounts.createAccount, { body })
    const { items } = await run.call(api.mail.listMessages, { params: { account_id: id } })
    const { ref } = items.find(({ subject }) => subject === encoding)!
    const url = run.url + fill(attachmentPath, { account_id: id, ref, attachment_id: '2' })
    const get = (headers: Record<string, string> = {}, signal?: AbortSignal) =>
      fetch(url, { headers: { authorization: `Bearer ${apiKey}`, ...headers }, ...(signal ? { signal } : {}) })

    // Like a browser that loses its network: it has a part of the file, and the ETag.
    const broken = new AbortController()
    const first = await get({}, broken.signal)
    const etag = first.headers.get('etag')!
    const taken: Uint8Array[] = []
    let length = 0
    for await (const piece of first.body!) {
      taken.push(piece)
      length += piece.length
      if (length > file.length / 2) break
    }
    broken.abort()
    expect(length).toBeLessThan(file.length)

    const rest = await get({ range: `bytes=${length}-`, 'if-range': etag })
    expect(rest.status).toBe(206)
    expect(rest.headers.get('content-range')).toBe(`bytes ${length}-${file.length - 1}/${file.length}`)
    const resumed = new Uint8Array(await rest.arrayBuffer())
    expect(resumed.length).toBe(file.length - length)
    expect(sha256(...taken, resumed)).toBe(sha256(file))

    const whole = await get()
    expect([whole.headers.get('etag'), whole.headers.get('content-length')]).toEqual([etag, String(file.length)])
    expect(sha256(new Uint8Array(await whole.arrayBuffer()))).toBe(sha256(file))
    for (const [from, to] of [
      [0, 0],
      [262_143, 262_145],
      [1_048_575, 1_148_577],
    ] as const) {
      const some = new Uint8Array(await (await get({ range: `bytes=${from}-${to}` })).arrayBuffer())
      expect(Buffer.from(some).equals(file.subarray(from, to + 1))).toBe(true)
    }
    expect((await get({ range: `bytes=${file.length}-` })).status).toBe(416)

    const params = { account_id: id, ref }
    const authorization = `Bearer ${apiKey}`
    const saved = await fetch(run.url + fill(messageRawPath, params), { headers: { authorization } })
    expect(saved.headers.get('content-disposition')).toContain(`filename="${encoding}.eml"`)
    const raw = Buffer.from(await saved.arrayBuffer())
    expect(sha256(raw)).toBe(sha256(Buffer.from(sent.replaceAll('\n', '\r\n'))))
    const headers = { authorization, range: 'bytes=300000-', 'if-range': saved.headers.get('etag')! }
    const tailOfRaw = await fetch(run.url + fill(messageRawPath, params), { headers })
    expect(tailOfRaw.status).toBe(206)
    expect(sha256(new Uint8Array(await tailOfRaw.arrayBuffer()))).toBe(sha256(raw.subarray(300_000)))
    const archive = await fetch(run.url + fill(attachmentsZipPath, params), { headers: { authorization } })
    expect(archive.headers.get('content-disposition')).toContain(`filename="${encoding}.zip"`)
    const files = readZip(Buffer.from(await archive.arrayBuffer()))
    expect(files.map(({ name, bytes: held }) => [name, sha256(held)])).toEqual([['a.zip', sha256(file)]])
    // After a restart nothing is cached; only its identity is known.
    await run.stop()
    const again = await startHere({ dataDir: run.dataDir })
    const tail = await fetch(url.replace(run.url, again.url), {
      headers: { authorization: `Bearer ${apiKey}`, range: `bytes=${file.length - 9}-`, 'if-range': etag },
    })
    expect([tail.status, tail.headers.get('etag')]).toEqual([206, etag])
    expect(Buffer.from(await tail.arrayBuffer()).equals(file.subarray(-9))).toBe(true)
  })
})
