/** The memory gateway does what every gateway does, and fails on demand. */
import { expect, test } from 'vitest'
import { gatewayCapabilitiesSuite } from '../gateway-capabilities.suite.ts'
import { UnknownOutcome } from '../gateway-capabilities.ts'
import { mailGatewaySuite, type TestMessage } from '../mail-gateway.suite.ts'
import { MemoryGateway } from './memory-gateway.ts'

const login = { host: 'memory', port: 143, tls: 'none', user: 'alice', password: 'secret' } as const
const options = { timeoutMs: 1_000, signal: new AbortController().signal }
const bob = { name: 'Bob', email: 'bob@test.local' }

const start = async () => {
  const gateway = new MemoryGateway()
  return {
    gateway,
    login,
    hasUidPlus: true,
    hasModseq: true,
    deliver: async ({ attachment, picture, from = bob, to = [], cc, ...message }: TestMessage, folder?: string) => {
      const attached = attachment ? [{ ...attachment, id: '2', size_bytes: 3, is_inline: false, content_id: null }] : []
      const inline = picture
        ? [{ id: '1.3', name: null, type: picture.type, size_bytes: 9, is_inline: true, content_id: picture.contentId }]
        : []
      const parts = picture ? { '1.3': picture.bytes } : {}
      const attachments = [...inline, ...attached]
      const sizeBytes = message.subject.length + (message.text ?? '').length
      const addressed = { ...message, from: [from], to, cc: cc ? [cc] : [], sizeBytes }
      return gateway.deliver({ ...addressed, attachments, parts, hasAttachments: attached.length > 0 }, folder)
    },
    cut: async () => gateway.cut(),
    stop: async () => undefined,
  }
}

mailGatewaySuite('a mail server in memory', start)
gatewayCapabilitiesSuite('with its capabilities', start)

test('a full server refuses one connection more and takes it when another has ended', async () => {
  const gateway = new MemoryGateway()
  gateway.maxConnections = 1
  const first = await gateway.connect(login, options)
  await expect(gateway.connect(login, options)).rejects.toMatchObject({ extension: { fault: 'limit' } })
  await first.close()
  await gateway.connect(login, options)
  expect(gateway.attempts).toBe(3)
})

test('a server that does not answer in time ends the connection', async () => {
  const gateway = new MemoryGateway()
  const connection = await gateway.connect(login, { ...options, timeoutMs: 20 })
  gateway.delay = () => new Promise(() => undefined)
  await expect(connection.listFolders()).rejects.toMatchObject({ code: 'mail_server_timeout' })
  expect(await connection.closed).toMatchObject({ code: 'mail_server_timeout' })
})

test('a change whose response is lost was made, and is reported as an unknown outcome', async () => {
  const gateway = new MemoryGateway()
  const { writer } = await gateway.connect(login, options)
  gateway.delay = step => {
    if (step === 'append answered') gateway.cut()
  }
  await expect(writer.append('Drafts', Buffer.from('Subject: once'))).rejects.toBeInstanceOf(UnknownOutcome)
  expect(gateway.getFolder('Drafts').messages).toHaveLength(1)
})
