/** Who is in a thread, for replies without an approval and for tokens that may only reply. */
import { expect, test } from 'vitest'
import type { SenderAuth } from '../../contract/mail.ts'
import { threadPeople } from './thread-people.ts'

const person = (email: string) => [{ name: null, email }]
const message = {
  from: person('boss@corp.example'),
  reply_to: [],
  to: person('ann@example.org'),
  cc: person('eve@x.example'),
}
const auth = (unsigned: SenderAuth['unsigned']): SenderAuth => ({
  ...{ verdict: 'verified', domain: 'corp.example', spf: null, dkim: 'pass', dmarc: 'pass' },
  unsigned,
})

test('a recipient that the signature of a message does not cover is not in its thread', () => {
  const people = (auth: SenderAuth | null) => [...threadPeople({ ...message, auth })]
  expect(people(auth(['cc']))).toEqual(['boss@corp.example', 'ann@example.org'])
  expect(people(auth(['from', 'to', 'cc', 'body']))).toEqual(['boss@corp.example'])
  for (const known of [null, auth([])]) expect(people(known)).toHaveLength(3)
})
