/** Only a sender whose domain was verified is known; everything else that an answer shows may be anybody's. */
import { expect, test } from 'vitest'
import { shownSenders } from './shown-senders.ts'

const from = [{ name: 'Anne', email: 'anne@example.com' }]
const pass = { verdict: 'verified' }

test.each([
  [{ subject: 'x', from, auth: pass }, ['anne@example.com']],
  [
    {
      messages: [
        { subject: 'x', from, auth: pass },
        { subject: 'y', from: [{ email: 'b@example.org' }], auth: pass },
      ],
    },
    ['anne@example.com', 'b@example.org'],
  ],
  [{ items: [], total: 0 }, []],
  [{ subject: 'x', from, auth: { verdict: 'unverified' } }, undefined],
  [{ subject: 'x', from, auth: null }, undefined],
  [{ items: [{ subject: 'x', from }] }, undefined],
  [
    {
      messages: [
        { subject: 'x', from, auth: pass },
        { subject: 'y', from },
      ],
    },
    undefined,
  ],
  [{ subject: 'x', from: [], auth: pass }, undefined],
  [{ subject: 'x', from: [...from, { name: 'Eve' }], auth: pass }, undefined],
])('%j', (answer, senders) => {
  expect(shownSenders(answer)).toEqual(senders)
})

test('what nests too deeply to be looked through may be anybody’s', () => {
  const nested = Array.from({ length: 20 }).reduce<object>(inner => ({ inner }), { subject: 'x' })
  expect(shownSenders(nested)).toBeUndefined()
})
