/** The address of the page of changes, including what to undo. */
import { expect, test } from 'vitest'
import { undoAddress, viewDefaults } from './changes-view.ts'

test('an undo is of a session where that has a name, else from a time on, in words that the page reads', () => {
  const viewOf = (address: string) => {
    const { pathname, searchParams } = new URL(address, 'http://here.invalid')
    expect(pathname).toBe('/changes')
    for (const name of searchParams.keys()) expect(Object.keys(viewDefaults)).toContain(name)
    return Object.fromEntries(searchParams)
  }
  expect(viewOf(undoAddress('token-a&b'))).toEqual({ principal: 'token-a&b', undo: 'since' })
  const session = 'mcp-a_B-1/x='
  expect(viewOf(undoAddress('token-a', session))).toEqual({ principal: 'token-a', session, undo: 'session' })
})
