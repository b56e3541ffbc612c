/** A policy in plain words: each rule says itself, and what makes others idle says so alone. */
import { expect, test } from 'vitest'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import { policyWords } from '../../contract/policy-words.ts'

const sending = (change: Partial<TokenPolicy['sending']>) =>
  policyWords({ ...defaultPolicy, sending: { ...defaultPolicy.sending, ...change } })

test('the default, as it is shown', () => {
  expect(policyWords(defaultPolicy)).toEqual([
    'It may send to anyone.',
    'It may send at most 60 messages an hour and 300 messages a day.',
    'Its messages may have at most 200 recipients an hour and 1,000 recipients a day, all together.',
    'A human approves each message.',
    'It may delete permanently if it has the scope mail:delete.',
  ])
})

test('what is narrowed says how', () => {
  expect(sending({ recipients: [] })[0]).toBe('It may not send at all.')
  const hours = { days: [5, 1], from: '09:00', to: '17:00', time_zone: 'Europe/Vienna' }
  const approval = { always: false, strangers: true, tainted_minutes: 30 }
  expect(
    sending({
      recipients: ['anne@example.com', '@example.org'],
      only_known_in_thread: true,
      max_attachment_bytes: 1_572_864,
      hours,
      approval,
    }),
  ).toEqual(
    expect.arrayContaining([
      'It may send only to anne@example.com and addresses of example.org.',
      'It may only reply, to people who are already in the thread.',
      'Attachments of a message may have at most 1.5 MiB.',
      'It may send only on Monday and Friday from 09:00 to 17:00 (Europe/Vienna).',
      'A human approves a message when a recipient is someone to whom the account never wrote, and when the token has read mail of a stranger within 30 minutes.',
    ]),
  )
  expect(sending({ approval: { always: false, strangers: false, tainted_minutes: null } })).toContain(
    'A human approves only messages to anyone but contacts, within 60 minutes after the token has read mail of a stranger.',
  )
  expect(
    policyWords({
      ...defaultPolicy,
      mode: 'propose',
      organizing: { folders: ['A', 'B'], max_per_hour: 1, may_delete: false },
    }),
  ).toEqual(
    expect.arrayContaining([
      'It proposes: nothing is sent or changed before a human agrees.',
      'It may change messages only in A and B, and move them only to there.',
      'It may change at most 1 message an hour.',
      'It may never delete permanently.',
    ]),
  )
})
