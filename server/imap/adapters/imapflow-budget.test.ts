/** What a command buys, that it ends with its tag, and that no connection pays for another. */
import { expect, test, vi } from 'vitest'
import { AnswerBudget } from './imapflow-budget.ts'

const said = (budget: AnswerBudget, counts: { bytes?: number; numbers?: number; words?: number; tagged?: number }) =>
  budget.take({ bytes: 0, numbers: 0, words: 0, tagged: 0, ...counts })
const flood = expect.objectContaining({ code: 'ServerFlood' })

function loggedIn(unaskedLines?: number): AnswerBudget {
  const budget = new AnswerBudget(unaskedLines)
  budget.welcome()
  return budget
}

test('commands without an end are answered, each with what is usual', () => {
  const budget = loggedIn()
  for (let command = 0; command < 10_000; command++) {
    budget.sent(Buffer.from('1F EXAMINE INBOX\r\n'))
    said(budget, { words: 9, tagged: 1, bytes: 900 })
    budget.sent(Buffer.from('20 UID FETCH 1:50,90 (UID FLAGS)\r\n'))
    said(budget, { numbers: 51, words: 1, tagged: 1, bytes: 20_000 })
  }
})

test('a flood on one connection takes nothing from another', () => {
  const flooded = new AnswerBudget()
  expect(() => said(flooded, { words: 601 })).toThrow(flood)
  const other = new AnswerBudget()
  said(other, { words: 600 })
})

test('what a command buys ends with its tag, and is not saved up', () => {
  const budget = loggedIn(10)
  budget.sent(Buffer.from('1 FETCH 1:1000 (UID)\r\n'))
  said(budget, { numbers: 1_000 })
  said(budget, { words: 1, tagged: 1 })
  expect(() => said(budget, { numbers: 50 })).toThrow(flood)
})

test('a word that somebody searches for buys nothing', () => {
  const budget = loggedIn(10)
  budget.sent(Buffer.from('1 UID SEARCH TEXT {20}\r\n'))
  budget.sent(Buffer.from('2 FETCH 1:1000 (UID)\r\n'))
  expect(() => said(budget, { numbers: 50 })).toThrow(flood)
})

test('the first lines are read at once, rows that were asked for too, and a flood waits', () => {
  const budget = loggedIn()
  budget.sent(Buffer.from('1 FETCH 1:2000 (UID)\r\n'))
  said(budget, { numbers: 1_999 })
  expect(budget.isPrompt).toBe(true)
  said(budget, { words: 1, tagged: 1 })
  said(budget, { numbers: 5_000 })
  expect(budget.isPrompt).toBe(false)
})

test('rows of a usual size that were asked for take nothing of what is read at once, larger ones do', () => {
  const budget = loggedIn()
  const answer = (bytes: number) => {
    budget.sent(Buffer.from('1 UID FETCH 1:400 (UID ENVELOPE)\r\n'))
    said(budget, { numbers: 400, bytes })
    const { isPrompt } = budget
    said(budget, { words: 1, tagged: 1 })
    return isPrompt
  }
  for (let command = 0; command < 100; command++) expect(answer(400 * 16 * 1024)).toBe(true)
  expect(answer(400 * 16 * 1024 + 8 * 1024 * 1024)).toBe(false)
})

test('the literals of rows that were asked for take nothing of what is read at once, and are no flood', () => {
  const budget = loggedIn(10)
  for (let command = 0; command < 100; command++) {
    budget.sent(Buffer.from('1 UID FETCH 1:400 (UID ENVELOPE BODY.PEEK[HEADER.FIELDS (References)])\r\n'))
    // Each row has a literal for the header fields and, of a few strings with quotes or umlauts, others.
    said(budget, { numbers: 400 * 4, bytes: 400 * 1024 })
    expect(budget.isPrompt).toBe(true)
    said(budget, { words: 1, tagged: 1 })
  }
})

test('a change of a thousand messages may tell of each of them, and is read at once; silent is only a silent STORE', () => {
  const budget = loggedIn(10)
  for (const command of [
    'UID STORE 1:500,600:1099 +FLAGS.SILENT (\\Seen)',
    'UID MOVE 1:1000 "a"',
    'UID EXPUNGE 1:1000',
  ]) {
    budget.sent(Buffer.from(`1 ${command}\r\n`))
    said(budget, { numbers: 999 })
    expect([budget.isPrompt, budget.isSilent]).toEqual([true, command.includes('STORE')])
    said(budget, { words: 1, tagged: 1 })
    expect(budget.isSilent).toBe(false)
  }
  budget.sent(Buffer.from('1 UID STORE 1:1000 +FLAGS (\\Seen)\r\n'))
  expect(budget.isSilent).toBe(false)
  expect(() => said(budget, { numbers: 2_050 })).toThrow(flood)
})

test('a server that exceeds the prompt rate for a minute without a pause floods; after a pause it starts over', () => {
  const budget = loggedIn()
  let now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  try {
    const second = (numbers: number) => {
      now += 1_000
      said(budget, { numbers })
    }
    for (let turn = 0; turn < 59; turn++) second(800)
    now += 10_000
    second(1)
    expect(budget.isPrompt).toBe(true)
    expect(() => {
      for (let turn = 0; turn < 70; turn++) second(800)
    }).toThrow(flood)
  } finally {
    clock.mockRestore()
  }
})

test('an account that is asked all the time is read at once all the time', () => {
  const budget = loggedIn()
  for (let command = 0; command < 10_000; command++) {
    budget.sent(Buffer.from('1F EXAMINE INBOX\r\n'))
    said(budget, { words: 8, numbers: 2 })
    expect(budget.isPrompt).toBe(true)
    said(budget, { words: 1, tagged: 1 })
    expect(budget.isPrompt).toBe(true)
  }
})

test('commands that go out together are all answered', () => {
  const budget = loggedIn()
  for (let command = 0; command < 5_000; command++)
    budget.sent(Buffer.from(`${command.toString(16).toUpperCase()} STATUS a (X)\r\n`))
  for (let command = 0; command < 5_000; command++) said(budget, { words: 2, tagged: 1, bytes: 100 })
  expect(() => said(budget, { words: 1_001 })).toThrow(flood)
})
