/** Descriptions of signed and encrypted messages. */
import { expect, test } from 'vitest'
import { protectionWords } from './protection-words.ts'

test('what it is, how much of it, and what RustyMail does not do', () => {
  const form = 'multipart'
  expect(protectionWords({ standard: 'smime', kind: 'signed', form, is_whole: true })).toBe(
    'This message is signed with S/MIME. RustyMail does not check signatures.',
  )
  expect(protectionWords({ standard: 'openpgp', kind: 'encrypted', form, is_whole: false })).toBe(
    'A part of this message is encrypted with OpenPGP. RustyMail cannot decrypt it.',
  )
  expect(protectionWords({ standard: 'smime', kind: 'unknown', form: 'opaque', is_whole: true })).toBe(
    'This message is signed or encrypted with S/MIME. RustyMail does not check signatures.',
  )
})
