/** Texts about a message in the outbox. */
import { expect, test } from 'vitest'
import type { RecipientState, Submission, SubmissionState } from '../../contract/submission.ts'
import { adviceOf, copyWords, progressWords } from './submission-words.ts'

const submission = (state: SubmissionState, recipients: RecipientState[] = ['waiting'], isFrozen = false) =>
  ({
    state,
    is_frozen: isFrozen,
    recipients: recipients.map((each, index) => ({ email: `a${index}@x.org`, kind: 'to', state: each })),
  }) as unknown as Submission

test('an unknown outcome says that it may arrive twice; one that failed for some says for how many', () => {
  expect(adviceOf(submission('unknown'))).toContain('arrives twice')
  expect(adviceOf(submission('partial', ['accepted', 'refused', 'bounced']))).toContain('2 recipients did not get it')
  expect(adviceOf(submission('sent', ['accepted']))).toBeUndefined()
  expect(adviceOf(submission('sent', ['accepted', 'bounced']))).toContain('1 recipient')
})

test('what is stopped says so before anything else, and only while it waits', () => {
  expect(adviceOf(submission('queued', ['waiting'], true))).toContain('held by a stop')
  expect(adviceOf(submission('failed', ['refused'], true))).not.toContain('held by a stop')
})

test('how many got it', () => {
  expect(progressWords(submission('queued', ['waiting', 'waiting']))).toBe('2 recipients')
  expect(progressWords(submission('partial', ['accepted', 'refused', 'waiting']))).toBe(
    '1 accepted, 1 not delivered of 3',
  )
})

test('the copy is told apart from the delivery', () => {
  expect(copyWords({ state: 'none', folder: null, why: null })).toBeUndefined()
  expect(copyWords({ state: 'failed', folder: 'Sent', why: 'The folder is full.' })).toBe(
    'The copy in the Sent folder could not be saved. The message itself is not affected. The folder is full.',
  )
})
