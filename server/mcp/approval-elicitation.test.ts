/** The link to what waits: who gets it, and that nothing that a client answers is a decision. */
import { expect, test } from 'vitest'
import type { ToolResult } from '../tools/toolbox.ts'
import { waitingIn, withApprovalLink } from './result-form.ts'

const otherwise = { content: [{ type: 'text' as const, text: '{"status":"pending"}' }] }
const ask = { id: 's1', url: 'https://mail.example/approvals?open=a1', message: 'Somebody has to approve it.' }
const waits: ToolResult = { isError: false, output: { status: 'pending' }, ask }
const able = { elicitation: { url: {} } }

test('a client that opens links is asked to open the page, by nothing but its address', () => {
  expect(withApprovalLink(waits, { capabilities: able }, otherwise)).toEqual({
    inputRequests: {
      approval: {
        method: 'elicitation/create',
        params: { mode: 'url', message: ask.message, url: ask.url, elicitationId: 's1' },
      },
    },
    state: { waiting: 's1' },
    otherwise,
  })
})

test.each([
  ['knows no elicitation', {}],
  ['knows forms alone', { elicitation: { form: {} } }],
  ['says nothing of the kind', { elicitation: {} }],
  ['says what is no object', { elicitation: { url: true } }],
  ['lists what it knows', { elicitation: ['url'] }],
])('a client that %s gets the answer, with the link in it', (_name, capabilities) => {
  expect(withApprovalLink(waits, { capabilities }, otherwise)).toBe(otherwise)
})

test('what does not wait, what failed, and a call that was asked already are answered', () => {
  const done: ToolResult = { isError: false, output: { status: 'sent' } }
  const failed: ToolResult = { isError: true, problem: { code: 'forbidden', message: 'No.' } }
  expect(withApprovalLink(done, { capabilities: able }, otherwise)).toBe(otherwise)
  expect(withApprovalLink(failed, { capabilities: able }, otherwise)).toBe(otherwise)
  expect(withApprovalLink(waits, { capabilities: able, state: { waiting: 's1' } }, otherwise)).toBe(otherwise)
})

test('a state says what it is about; what is none, or of something else, says nothing', () => {
  expect(waitingIn({ waiting: 's1' })).toBe('s1')
  for (const state of [undefined, null, 's1', {}, { waiting: 7 }, { waiting: 'x'.repeat(101) }])
    expect(waitingIn(state)).toBeUndefined()
})
