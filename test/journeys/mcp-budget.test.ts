/**
 * What MCP costs a model before it has done anything, and its most expensive answer: budgets in tokens, at four
 * characters each.
 */
import { expect, test } from 'vitest'
import { scopes } from '../../contract/scope.ts'
import { ask } from '../support/events-client.ts'
import { connectMcp } from '../support/mcp-client.ts'
import { startMcpWorld } from '../support/mcp-world.ts'

const tokens = (text: string) => Math.ceil(text.length / 4)

test('lists of tools and a page of fifty hits stay within their budgets', async () => {
  const { people, gateway, ann, indexed } = await startMcpWorld()
  const names = ['Ines Álvarez', 'Dr. Oluwaseun Adeyemi', 'Build', 'Cy', 'Accounts at Northwind']
  for (let number = 100; number < 150; number++) {
    const name = number % 7 === 0 ? null : names[number % names.length]!
    const from = [{ name, email: `person${number}@department.example.org` }]
    gateway.deliver({ subject: `Quarterly figures, region ${number}, v2`, text: 'They are below.', from })
  }
  await indexed()
  const everything = await people.token([...scopes], [ann])
  const reader = await people.token(['mail:meta', 'mail:read'], [ann])
  const listed = async ({ proof }: typeof reader) => {
    const { tools } = await ask(people.url, proof, 'tools/list')
    return { count: tools.length as number, cost: tokens(JSON.stringify(tools)), names: JSON.stringify(tools) }
  }
  const [all, few] = [await listed(everything), await listed(reader)]
  expect(all.count).toBeGreaterThanOrEqual(12)
  // With output schemas, which clients that read text do not get.
  expect(all.names).toContain('outputSchema')
  expect(all.cost).toBeLessThanOrEqual(3_000)
  expect(few.count).toBeGreaterThanOrEqual(6)
  expect(few.names).toContain('outputSchema')
  expect(few.cost).toBeLessThanOrEqual(1_700)

  const asText = { ...reader.proof, 'rustymail-results': 'text' }
  const page = { name: 'mail_search', arguments: { account: ann, q: 'quarterly', limit: 50 } }
  const { content, structuredContent } = await (await connectMcp(people.url, asText)).callTool(page)
  const text = content[0]?.type === 'text' ? content[0].text : ''
  expect([content.length, structuredContent]).toEqual([1, undefined])
  for (let number = 100; number < 150; number++) expect(text).toContain(`region ${number}, v2`)
  expect(tokens(text)).toBeLessThanOrEqual(2_000)
  const asStructure = { ...reader.proof, 'rustymail-results': 'structured' }
  const structured = await (await connectMcp(people.url, asStructure)).callTool(page)
  const said = JSON.stringify(structured.structuredContent)
  for (let number = 100; number < 150; number++) expect(said).toContain(`person${number}@department.example.org`)
  expect(tokens(said)).toBeLessThanOrEqual(2_000)
})
