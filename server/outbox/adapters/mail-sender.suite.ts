/**
 * The contract of every MailSender adapter: it reports only outcomes that are certain, and sends exactly the bytes that
 * it is given.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { type MailSender, type MessageBytes, NotSent, UnknownDelivery } from '../mail-sender.ts'

/** The server behind the adapter. */
export interface SenderHarness {
  /** Starts a new server that behaves as given, and opens a sender for it. */
  open(ways?: ServerWays, connections?: number): Promise<OpenSender>
}

export interface OpenSender {
  sender: MailSender
  taken(): { from: string; to: string[]; bytes: Buffer }[]
}

export interface ServerWays {
  isAway?: boolean
  password?: string
  maxBytes?: number
  isUtf8?: boolean
  recipient?(email: string): string | undefined
  message?(): Promise<string | 'lose' | undefined> | string | 'lose' | undefined
}

const { signal } = new AbortController()
const from = 'me@here.test'
const text = (body = 'At noon?') => Buffer.from(`Subject: Lunch\r\n\r\n${body}\r\n`)

export async function* inPieces(bytes: Buffer, size = 1_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export function mailSenderSuite(harness: SenderHarness): void {
  const send = (sender: MailSender, to: string[], bytes: MessageBytes = inPieces(text()), sizeBytes = 100) =>
    sender.send({ from, to }, bytes, { sizeBytes, envelopeId: 's1' }, signal)
  const failure = (sending: Promise<unknown>) =>
    sending.then(
      () => expect.fail('it was sent'),
      (error: unknown) => error as NotSent,
    )

  test('what arrives are exactly the bytes, also with dots, long lines and eight bits, large and small', async () => {
    const { sender, taken } = await harness.open()
    const bodies = [
      'a',
      '.\r\n..\r\n.x\r\n\r\n.',
      `é ${'x'.repeat(5_000)}\r\n.`,
      'line\r\n'.repeat(200_000),
      '\r\n\r\n.\r\n',
    ]
    for (const body of bodies) {
      for (const size of [1, 7, 64 * 1024]) {
        if (size < 64 && body.length > 10_000) continue
        const bytes = text(body)
        const outcome = await send(sender, ['anne@there.test'], inPieces(bytes, size), bytes.length)
        expect(outcome).toMatchObject({ accepted: ['anne@there.test'], refused: [] })
        expect(outcome.response).toMatch(/^250/)
        expect(hash(taken().at(-1)!.bytes)).toBe(hash(bytes))
      }
    }
  })

  test('a message that is no sequence of lines is rejected, and sent to no recipient', async () => {
    const { sender, taken } = await harness.open()
    for (const bad of ['a\nb\r\n', 'a\rb\r\n', 'a\r\nb', 'a\r\n.\rb\r\n', '\n\r\n']) {
      const error = await failure(send(sender, ['anne@there.test'], inPieces(Buffer.from(bad), 1)))
      expect(error).toBeInstanceOf(NotSent)
      expect([bad, error.isTemporary, error.code]).toEqual([bad, false, 'bad_message'])
    }
    expect(taken()).toEqual([])
    expect((await send(sender, ['anne@there.test'])).accepted).toEqual(['anne@there.test'])
  })

  test('when reading the bytes fails, the message is not completed, and says why', async () => {
    const { sender, taken } = await harness.open()
    async function* broken(error: Error) {
      yield text()
      throw error
    }
    const frozen = new NotSent('stopped by a human', { isTemporary: true, code: 'frozen' })
    expect(await failure(send(sender, ['anne@there.test'], broken(frozen)))).toBe(frozen)
    const error = await failure(send(sender, ['anne@there.test'], broken(new Error('the disk is gone'))))
    expect([error.code, error.isTemporary]).toEqual(['unreadable', true])
    expect(taken()).toEqual([])
    expect((await send(sender, ['anne@there.test'])).accepted).toEqual(['anne@there.test'])
  })

  test('each recipient has an answer of its own', async () => {
    const words: Record<string, string> = { 'gone@there.test': '550 5.1.1 no such user', 'full@there.test': '452 full' }
    const { sender, taken } = await harness.open({ recipient: email => words[email] })
    const outcome = await send(sender, ['anne@there.test', 'gone@there.test', 'full@there.test'])
    expect(outcome.accepted).toEqual(['anne@there.test'])
    expect(outcome.refused).toEqual([
      { email: 'gone@there.test', response: words['gone@there.test'], isTemporary: false },
      { email: 'full@there.test', response: words['full@there.test'], isTemporary: true },
    ])
    expect(taken()).toMatchObject([{ from, to: ['anne@there.test'] }])
    const none = await failure(send(sender, ['gone@there.test', 'full@there.test']))
    expect([none.isTemporary, none.refused.length]).toEqual([true, 2])
    expect((await failure(send(sender, ['gone@there.test']))).isTemporary).toBe(false)
    expect((await send(sender, ['anne@there.test'])).accepted).toEqual(['anne@there.test'])
  })

  test('a refusal of the whole message is certain, for good or for now, and the next one is sent', async () => {
    const answers = ['554 5.7.1 spam', '451 4.7.1 greylisted', undefined]
    const { sender, taken } = await harness.open({ message: () => answers.shift() })
    const spam = await failure(send(sender, ['anne@there.test']))
    expect([spam.code, spam.isTemporary, spam.serverResponse]).toEqual(['refused', false, '554 5.7.1 spam'])
    const later = await failure(send(sender, ['anne@there.test']))
    expect([later.code, later.isTemporary]).toEqual(['refused', true])
    await send(sender, ['anne@there.test'])
    expect(taken()).toHaveLength(1)
  })

  test('a lost answer is an unknown outcome', async () => {
    const { sender, taken } = await harness.open({ message: () => 'lose' })
    expect(await failure(send(sender, ['anne@there.test']))).toBeInstanceOf(UnknownDelivery)
    expect(taken()).toHaveLength(1)
  })

  test('a server that is away, or refuses the login, concerns the account and not the message', async () => {
    const { sender } = await harness.open({ isAway: true })
    const error = await failure(send(sender, ['anne@there.test']))
    expect([error.isTemporary, error.concernsAccount]).toEqual([true, true])
    const wrong = await harness.open({ password: 'another' })
    const refused = await failure(send(wrong.sender, ['anne@there.test']))
    expect([refused.code, refused.concernsAccount]).toEqual(['mail_login_refused', true])
  })

  test('too large a message is refused before it is sent, with both figures', async () => {
    const { sender, taken } = await harness.open({ maxBytes: 1_000 })
    const error = await failure(send(sender, ['anne@there.test'], inPieces(text()), 1_001))
    expect([error.code, error.isTemporary]).toEqual(['too_large', false])
    expect(error.message).toMatch(/1001 .* 1000 /)
    expect(taken()).toEqual([])
  })

  test('addresses beyond ASCII need SMTPUTF8 before the @, and not behind it', async () => {
    const offering = await harness.open()
    expect((await send(offering.sender, ['jürgen@dömain.test'])).accepted).toEqual(['jürgen@dömain.test'])
    const { sender, taken } = await harness.open({ isUtf8: false })
    const error = await failure(send(sender, ['jürgen@there.test']))
    expect([error.code, error.isTemporary]).toEqual(['smtputf8_needed', false])
    expect((await send(sender, ['anne@dömain.test'])).accepted).toEqual(['anne@dömain.test'])
    expect(taken()).toHaveLength(1)
  })

  test('it sends no more at a time than it may, and ends when it is closed', async () => {
    let busy = 0
    let most = 0
    const { promise: go, resolve } = Promise.withResolvers<void>()
    const { promise: full, resolve: isFull } = Promise.withResolvers<void>()
    const ways = {
      message: async () => {
        most = Math.max(most, ++busy)
        if (busy === 2) isFull()
        await go
        busy--
        return undefined
      },
    }
    const { sender, taken } = await harness.open(ways, 2)
    const sending = Promise.all(Array.from({ length: 5 }, () => send(sender, ['anne@there.test'])))
    await full
    resolve()
    await sending
    expect([most, taken().length]).toEqual([2, 5])
    await sender.close()
    expect(await failure(send(sender, ['anne@there.test']))).toMatchObject({ isTemporary: true })
  })
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
