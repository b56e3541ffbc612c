/** A policy survives a round trip through the form, and errors are found before the server rejects it. */
import { expect, test } from 'vitest'
import { defaultPolicy, TokenPolicy } from '../../contract/policy.ts'
import { approvalWords, policyFaults, policyFormOf, policyOf } from './policy-words.ts'

const narrow: TokenPolicy = {
  mode: 'propose',
  sending: {
    recipients: ['anne@example.com', '@example.org'],
    only_known_in_thread: true,
    max_per_hour: 0,
    max_per_day: 5,
    max_recipients_per_hour: 7,
    max_recipients_per_day: null,
    max_attachment_bytes: 1_572_864,
    hours: { days: [1, 3], from: '09:00', to: '24:00', time_zone: 'Europe/Vienna' },
    approval: { always: false, strangers: true, tainted_minutes: 30 },
  },
  organizing: { folders: ['INBOX', 'Archive'], max_per_hour: 10, may_delete: false },
}
const form = policyFormOf(defaultPolicy, 'Europe/Vienna')

test('every rule survives the form', () => {
  for (const policy of [defaultPolicy, narrow]) {
    const back = policyOf(policyFormOf(policy, 'UTC'))
    expect(back).toEqual(policy)
    expect(TokenPolicy.parse(back)).toEqual(policy)
    expect(policyFaults(policyFormOf(policy, 'UTC'))).toEqual({})
  }
})

test('an empty list allows no recipient, and does not mean all', () => {
  expect(policyOf({ ...form, recipients: 'listed', allowed: ' \n' }).sending.recipients).toEqual([])
  expect(policyOf({ ...form, folders: 'listed' }).organizing.folders).toEqual([])
})

test('what the server would refuse is said at its field', () => {
  const wrong = {
    ...form,
    recipients: 'listed' as const,
    allowed: 'anne@example.com\nnobody',
    perHour: '1.5',
    taintMinutes: '0',
    attachmentMib: 'x',
    hasHours: true,
    days: [],
    timeZone: 'Mars/Base',
  }
  expect(Object.keys(policyFaults(wrong)).toSorted()).toEqual(
    ['allowed', 'attachmentMib', 'days', 'perHour', 'taintMinutes', 'timeZone'].toSorted(),
  )
})

test('when a human says yes, in one sentence', () => {
  expect(approvalWords(form)).toBe('A human approves each message.')
  expect(approvalWords({ ...form, always: false, taintMinutes: '30' })).toBe(
    'A human approves messages when a recipient is a stranger, or when the token has read mail of a stranger within 30 minutes.',
  )
  expect(approvalWords({ ...form, always: false, strangers: false })).toContain(
    'It sends without approval. Within 60 minutes',
  )
  // Regardless of other rules, nothing of a token in mode propose happens without a user.
  expect(approvalWords({ ...form, mode: 'propose', always: false, strangers: false })).toBe(
    'What it requests waits as a proposal. Nothing is sent or changed until a human applies it.',
  )
})
