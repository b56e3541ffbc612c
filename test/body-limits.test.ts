/** The body limit of each operation: every one above the default is listed here. */
import { expect, test } from 'vitest'
import { bodyLimitOf, bodyLimits, type Endpoint } from '../contract/endpoint.ts'
import { api, operationName } from '../contract/index.ts'
import { maxMcpBody } from '../contract/mcp.ts'

const endpoints = Object.values(api).flatMap(group => Object.values(group) as Endpoint[])

test('nothing takes more than is said here', () => {
  const larger = endpoints.filter(one => bodyLimitOf(one) > bodyLimits.usual)
  expect(larger.map(one => [operationName(one), bodyLimitOf(one)])).toEqual([
    ['accountMoving.importAccounts', 8 * 1024 * 1024],
    ['accountMoving.importCsv', 2 * 1024 * 1024],
    ['approvals.editHeld', 4 * 1024 * 1024],
    ['assistant.queryChatbot', 128 * 1024],
    ['assistantSettings.updateAssistantSettings', 512 * 1024],
    ['drafts.createDraft', 4 * 1024 * 1024],
    ['drafts.changeDraft', 4 * 1024 * 1024],
    ['operations.changeMessages', 1024 * 1024],
    ['operations.deleteMessages', 1024 * 1024],
  ])
  expect(maxMcpBody).toBe(bodyLimits.usual)
  for (const one of endpoints.filter(({ scope }) => scope === 'public')) {
    expect([operationName(one), bodyLimitOf(one) <= bodyLimits.public]).toEqual([operationName(one), true])
  }
})
