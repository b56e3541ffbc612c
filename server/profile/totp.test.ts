/** Codes are those of the standard, within a step of now. */
import { expect, test } from 'vitest'
import { createTotpSecret, describeTotp, findTotpStep } from './totp.ts'

/** `12345678901234567890` in base32. */
const rfcSecret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'

test.each([
  // RFC 6238, appendix B, SHA-1: of its eight digits the last six.
  { seconds: 59, code: '287082', step: 0x1 },
  { seconds: 1_111_111_109, code: '081804', step: 0x23523ec },
  { seconds: 1_111_111_111, code: '050471', step: 0x23523ed },
  { seconds: 1_234_567_890, code: '005924', step: 0x273ef07 },
  { seconds: 2_000_000_000, code: '279037', step: 0x3f940aa },
  { seconds: 20_000_000_000, code: '353130', step: 0x27bc86aa },
])('at $seconds s the code is $code, as in RFC 6238', ({ seconds, code, step }) => {
  expect(findTotpStep(rfcSecret, code, seconds * 1000)).toBe(step)
})

test('a clock may be half a minute wrong, not more', () => {
  const at = (seconds: number) => findTotpStep(rfcSecret, '005924', seconds * 1000)
  expect([at(1_234_567_830), at(1_234_567_890 - 30), at(1_234_567_890 + 30), at(1_234_567_890 + 60)]).toEqual([
    undefined,
    0x273ef07,
    0x273ef07,
    undefined,
  ])
})

test('what is not six digits is no code', () => {
  for (const code of ['', '5924', '0005924', '89005924', 'abcdef', '００５９２４']) {
    expect(findTotpStep(rfcSecret, code, 1_234_567_890_000)).toBeUndefined()
  }
})

test('an app gets the same secret whether one types it or scans it', () => {
  const { secret, uri, qr_svg } = describeTotp(createTotpSecret(), 'anna+mail@example.com')
  const url = new URL(uri)
  expect(secret).toMatch(/^[A-Z2-7]{32}$/)
  expect(url.searchParams.get('secret')).toBe(secret)
  expect(decodeURIComponent(url.pathname)).toContain('RustyMail:anna+mail@example.com')
  expect(qr_svg).toMatch(/^<svg [^>]+><rect [^>]+\/><path [^>]+\/><\/svg>$/)
})
