/** Ids that rise. */
import { expect, test } from 'vitest'
import { OperationId } from '../../contract/operation.ts'
import { ProposalId } from '../../contract/proposal.ts'
import { ApprovalIds } from '../approvals/approval-id.ts'
import { OperationIds } from '../operations/operation-id.ts'
import { SubmissionIds } from '../outbox/submission-id.ts'
import { ProposalIds } from '../proposals/proposal-id.ts'
import { RisingIds } from './rising-ids.ts'

test('later ids are greater, at the same moment, after the clock was set back, and after a start', () => {
  const began = Date.parse('2026-11-29T08:00:00Z')
  let time = began
  const ids = new RisingIds('x', () => time)
  const all = [ids.next(), ids.next(), ids.next()]
  time -= 3_600_000
  all.push(ids.next())
  const next = new RisingIds('x', () => time)
  next.startAfter(undefined)
  next.startAfter(all.at(-1))
  all.push(next.next())
  expect(all).toEqual(all.toSorted())
  expect(new Set(all).size).toBe(5)
  const prefix = `x${began.toString(36).padStart(9, '0').slice(0, 8)}`
  expect(all.filter(id => !id.startsWith(prefix))).toEqual([])
})

test('each kind has the form that the contract, and what is stored, knows', () => {
  const time = () => Date.parse('2026-11-29T08:00:00Z')
  const kinds = [new OperationIds(time), new ApprovalIds(time), new SubmissionIds(time), new ProposalIds(time)]
  const [operation, approval, submission, proposal] = kinds.map(ids => ids.next()) as [string, string, string, string]
  const rest = '[0-9a-z]{16}$'
  for (const [id, form] of [
    [operation, `^${rest}`],
    [approval, `^a${rest}`],
    [submission, `^s${rest}`],
    [proposal, `^p${rest}`],
  ] as const) {
    expect(id).toMatch(new RegExp(form))
  }
  expect([OperationId.parse(operation), ProposalId.parse(proposal)]).toEqual([operation, proposal])
})
