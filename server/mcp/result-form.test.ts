/** What a tool answered, in the form that a client asked for. */
import { expect, test } from 'vitest'
import { anonymous } from '../platform/principal.ts'
import type { ToolInfo } from '../tools/toolbox.ts'
import type { McpCallContext, McpRevision } from './mcp-port.ts'
import { resultFormOf, sizeOf, toAnswer, toListed } from './result-form.ts'

const asking = (said: Partial<McpCallContext> = {}) => ({
  headers: undefined,
  revision: '2026-07-28' as McpRevision,
  peer: undefined,
  capabilities: {},
  caller: { principal: anonymous, address: '192.0.2.1', userAgent: 'node' },
  ...said,
})
const formOf = (headers: Record<string, string>) => resultFormOf(asking({ headers: new Headers(headers) }))
const output = { hits: [{ subject: 'lunch' }, { subject: 'tea' }], total: 7, cursor: undefined }
const success = { isError: false, output } as const

test('unless a client asks for one form it gets both, but of a revision that knows no structure the text', () => {
  const known: McpRevision[] = ['2025-06-18', '2025-11-25', '2026-07-28']
  for (const revision of known) expect(resultFormOf(asking({ revision }))).toBe('both')
  const before: McpRevision[] = ['2024-11-05', '2025-03-26']
  for (const revision of before) expect(resultFormOf(asking({ revision }))).toBe('text')
  expect(formOf({ 'RustyMail-Results': 'structured' })).toBe('structured')
  expect(formOf({ 'RustyMail-Results': ' Text ' })).toBe('text')
  expect(() => formOf({ 'RustyMail-Results': 'xml' })).toThrow('takes both, structured, text')
  const capabilities = { extensions: { 'rustymail/results': { form: 'structured' } } }
  expect(resultFormOf(asking({ capabilities }))).toBe('structured')
  expect(resultFormOf(asking({ capabilities, headers: new Headers({ 'RustyMail-Results': 'text' }) }))).toBe('text')
})

test('a program that is known to show its model the text where there is no structure gets that, unless it asks', () => {
  const formFor = (name: string) => resultFormOf(asking({ peer: { name, version: '1' } }))
  const readers = ['claude-code', 'claude-ai', 'Claude Desktop', 'Visual Studio Code', 'cursor-vscode', 'opencode']
  for (const name of readers) expect(formFor(name)).toBe('text')
  for (const name of ['mcp', 'my-claude', 'inspector-client', 'zedlike', 'clinet']) expect(formFor(name)).toBe('both')
  const caller = { ...asking().caller, userAgent: 'claude-code/2.1.280 (cli)' }
  expect(resultFormOf(asking({ caller }))).toBe('text')
  expect(resultFormOf(asking({ caller, peer: { name: 'script', version: '1' } }))).toBe('both')
  expect(resultFormOf(asking({ caller, headers: new Headers({ 'RustyMail-Results': 'both' }) }))).toBe('both')
})

test('a tool that has lines of its own is told by them, and what goes along with an answer comes in every form', () => {
  const block = { type: 'resource_link', uri: 'mail://a', name: 'a', mimeType: 'text/plain' } as const
  const result = { ...success, text: () => '2 found.', blocks: [block] }
  const lines = { type: 'text', text: '2 found.' }
  expect(toAnswer(result, 'text')).toEqual({ content: [lines, block] })
  expect(toAnswer(result, 'both')).toEqual({ content: [lines, block], structuredContent: output })
  const summary = { type: 'text', text: 'See structuredContent: hits (2), total.' }
  expect(toAnswer(result, 'structured')).toEqual({ content: [summary, block], structuredContent: output })
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

test('the size is of what is sent: words in each form that they have, files as they are, an image about as every other', () => {
  const words = { type: 'text', text: 'x'.repeat(40) } as const
  expect(sizeOf({ content: [words] })).toEqual({ bytes: 40, tokens: 10 })
  expect(sizeOf({ content: [words], structuredContent: { x: 1 } })).toEqual({ bytes: 47, tokens: 12 })
  const image = { type: 'image', data: 'A'.repeat(100_000), mimeType: 'image/png' } as const
  expect(sizeOf({ content: [words, image] })).toEqual({ bytes: 100_040, tokens: 1_510 })
})
