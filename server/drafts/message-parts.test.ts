/** Reading messages that our own never are: they end early, or have a header that is too long. */
import { expect, test } from 'vitest'
import { readParts } from './message-parts.ts'

const nothing = { begin: () => undefined, take: () => undefined, end: () => undefined }

test('a header longer than 512 KiB is not collected', async () => {
  let lines = 0
  async function* long() {
    for (; lines < 1_000; lines++) yield Buffer.from(`X-${lines}: ${'x'.repeat(1_000)}\r\n`)
  }
  await expect(readParts(long(), nothing)).rejects.toThrow('the header is too long')
  expect(lines).toBeLessThan(600)
})

test('a message that ends in its header is none', async () => {
  async function* short() {
    yield Buffer.from('Subject: x\r\n')
  }
  await expect(readParts(short(), nothing)).rejects.toThrow('ends in its header')
})
