/** What a tool answered, in the form that a client asked for. */
import { expect, test } from 'vitest'
import type { ToolInfo } from '../tools/toolbox.ts'
import { resultFormOf, toAnswer, toListed } from './result-form.ts'

const formOf = (headers: Record<string, string>) => resultFormOf(new Headers(headers))
const output = { hits: [{ subject: 'lunch' }, { subject: 'tea' }], total: 7, cursor: undefined }
const success = { isError: false, output } as const

test('unless a client asks for one form it gets both, but of a revision that knows no structure the text', () => {
  expect(formOf({})).toBe('both')
  for (const version of ['2025-06-18', '2025-11-25', '2026-07-28']) {
    expect(formOf({ 'mcp-protocol-version': version })).toBe('both')
  }
  for (const version of ['2024-11-05', '2025-03-26']) expect(formOf({ 'mcp-protocol-version': version })).toBe('text')
  expect(formOf({ 'RustyMail-Results': 'structured' })).toBe('structured')
  expect(formOf({ 'RustyMail-Results': ' Text ' })).toBe('text')
  expect(() => formOf({ 'RustyMail-Results': 'xml' })).toThrow('takes both, structured, text')
})

test('with either form alone nothing is said twice, and the text of a structure names no word of a stranger', () => {
  const json = JSON.stringify(output)
  expect(toAnswer(success, 'both')).toEqual({ content: [{ type: 'text', text: json }], structuredContent: output })
  expect(toAnswer(success, 'text')).toEqual({ content: [{ type: 'text', text: json }] })
  expect(toAnswer(success, 'structured')).toEqual({
    content: [{ type: 'text', text: 'See structuredContent: hits (2), total.' }],
    structuredContent: output,
  })
})

test('a problem is text in every form', () => {
  const problem = { code: 'forbidden', message: 'No.' } as const
  for (const form of ['both', 'structured', 'text'] as const) {
    const answer = { isError: true, content: [{ type: 'text', text: JSON.stringify(problem) }] }
    expect(toAnswer({ isError: true, problem }, form)).toEqual(answer)
  }
})

test('a tool that answers as text alone declares no structure', () => {
  const info = { name: 'one', outputSchema: { type: 'object' } } as unknown as ToolInfo
  expect(toListed(info, 'text')).toEqual({ name: 'one' })
  expect(toListed(info, 'structured')).toEqual(info)
  expect(toListed(info, 'both')).toEqual(info)
})
