import { expect, test } from 'vitest'
import { defaultApprovalSettings } from '../../contract/approvals.ts'
import { faultsOf, formOf, settingsOf } from './approval-form.ts'

test('what is typed is what is saved; an empty age of the sign-in means any', () => {
  const form = formOf(defaultApprovalSettings)
  expect(settingsOf(form)).toEqual(defaultApprovalSettings)
  expect(form.fresh_sign_in_minutes).toBe('')
  expect(faultsOf(form)).toEqual({})
  expect(settingsOf({ ...form, approvers: ' 2 ', fresh_sign_in_minutes: '15' })).toMatchObject({
    approvers: 2,
    fresh_sign_in_minutes: 15,
  })
})

test('each figure out of its bounds is named, and no other', () => {
  const form = formOf(defaultApprovalSettings)
  for (const approvers of ['', '0', '6', '1.5', 'two', '-1']) {
    expect(Object.keys(faultsOf({ ...form, approvers }))).toEqual(['approvers'])
  }
  const wrong = { expires_hours: '169', fresh_sign_in_minutes: '0', undo_seconds: '121' }
  expect(Object.keys(faultsOf({ ...form, ...wrong }))).toEqual(Object.keys(wrong))
})
