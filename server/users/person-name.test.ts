/** What people and tokens may be called, since their names stand in the audit trail. */
import { expect, test } from 'vitest'
import { PersonName } from '../../contract/access.ts'

test('a name may be written in any script, and with any sign', () => {
  for (const name of ['Ann', 'Zoë O’Hara', 'محمد', '王小明', '👩‍💻 night job', 'nobody else', 'RustyMail backup']) {
    expect(PersonName.parse(` ${name} `)).toBe(name)
  }
})

test('a name neither hides letters, nor turns what stands beside it, nor is that of RustyMail itself', () => {
  const bad = [
    'Nobody\u202egnp.exe',
    '\u2066Ann',
    'A\u200bnn',
    'A\ufeffnn',
    'An\u00adn',
    'Ann\nBob',
    '',
    ' ',
    'x'.repeat(101),
  ]
  const taken = [
    ...['RustyMail', 'nobody', ' API key ', 'OpenID Connect'],
    // They look the same in the trail: two blanks, one that does not break, full width, a joiner, a filler.
    ...[
      'API  key',
      'API\u00a0key',
      'Ｒｕｓｔｙ\uff2dail',
      'API k\u034fey',
      'Nobody\u3164',
      'AP\u200dI key',
      'API \u212aey',
    ],
  ]
  for (const name of [...bad, ...taken]) expect(PersonName.safeParse(name).success, JSON.stringify(name)).toBe(false)
})
