/** Text and code in an answer. */
import { expect, test } from 'vitest'
import { answerBlocks } from './answer-blocks.ts'

const text = (text: string) => ({ kind: 'text', text, language: undefined })
const code = (text: string, language?: string) => ({ kind: 'code', text, language })

test('text keeps its line breaks, and a fenced block becomes code', () => {
  const answer = 'Try:\n\n```sh\ncurl -s \\\n  localhost\n```\n\nThen\nlook.'
  expect(answerBlocks(answer)).toEqual([text('Try:'), code('curl -s \\\n  localhost', 'sh'), text('Then\nlook.')])
})

test('a block that still streams is code to the end', () => {
  expect(answerBlocks('```ts\nconst a =')).toEqual([code('const a =', 'ts')])
})

test('a longer fence may hold a shorter one, and ticks inside a line are text', () => {
  expect(answerBlocks('````\n```\na\n```\n````')).toEqual([code('```\na\n```')])
  expect(answerBlocks('Use ```a``` here')).toEqual([text('Use ```a``` here')])
})

test('HTML is text like any other', () => {
  expect(answerBlocks('<img src=x onerror=alert(1)>')).toEqual([text('<img src=x onerror=alert(1)>')])
})
