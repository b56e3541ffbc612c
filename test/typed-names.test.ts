/**
 * Names, titles and reasons that one person enters and others read: no endpoint accepts one that hides or reorders text
 * beside it.
 */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { AlertRuleBody } from '../contract/alerts.ts'
import type { Endpoint } from '../contract/endpoint.ts'
import { api, operationName } from '../contract/index.ts'
import { NotifierBody } from '../contract/notifiers.ts'
import { readRule } from '../server/alerts/stored-rule.ts'
import { routingOf } from '../server/notifiers/notifier-view.ts'

/**
 * Excludes mail addresses, whose names are often chosen by senders; the composer writes them without hidden characters.
 */
const isInMail = (name: string) => /\b(to|cc|bcc|reply_to|aliases)\.name$/.test(name)

function* typedIn(type: z.core.$ZodType, path: string[] = []): Generator<[path: string[], type: z.core.$ZodType]> {
  if (type instanceof z.ZodObject) {
    for (const [key, field] of Object.entries(type.shape)) yield* typedIn(field as z.ZodType, [...path, key])
  } else if (type instanceof z.ZodOptional || type instanceof z.ZodNullable || type instanceof z.ZodDefault) {
    yield* typedIn(type.def.innerType, path)
  } else if (type instanceof z.ZodArray) yield* typedIn(type.element, path)
  else if (type instanceof z.ZodUnion) for (const option of type.options) yield* typedIn(option, path)
  else if (type instanceof z.ZodString && /^(name|title|reason)$/.test(path.at(-1) ?? '')) yield [path, type]
}

const typed = (Object.values(api).flatMap(group => Object.values(group)) as Endpoint[]).flatMap(endpoint =>
  endpoint.body
    ? [...typedIn(endpoint.body)].map(([path, type]) => [`${operationName(endpoint)} ${path.join('.')}`, type] as const)
    : [],
)
const takers = (word: string) => typed.filter(([, type]) => z.safeParse(type, word).success).map(([name]) => name)

test.each([0x00, 0x0a, 0x85, 0x9b, 0x2028, 0x202a, 0x202e, 0x2066, 0x2069])('none with the character %i', code => {
  expect(takers(`Bill${String.fromCodePoint(code)}fdp.exe`).filter(name => !isInMail(name))).toEqual([])
})

test('any script is taken, with the marks that it needs', () => {
  expect(typed.map(([name]) => name)).toEqual(
    expect.arrayContaining(['webhooks.createWebhook name', 'alerts.createAlertRule name']),
  )
  for (const word of ['Zoë O’Hara', 'חשבונית', '王小明', '👩‍💻 night job'])
    expect(takers(word)).toEqual(typed.map(([name]) => name))
})

test('what was stored before stays as it is, and on', () => {
  const name = 'old\u202e'
  const rule = { name, series: 'requests', aggregation: 'sum', window_seconds: 60, comparison: 'above', threshold: 1 }
  expect(AlertRuleBody.safeParse(rule).success).toBe(false)
  expect(readRule({ id: 'r1', rule: JSON.stringify(rule) }).body).toMatchObject({ name, enabled: true })
  expect(NotifierBody.shape.name.safeParse(name).success).toBe(false)
  expect(routingOf({ id: 'n1', routing: JSON.stringify({ name }) })).toMatchObject({ name, enabled: true })
})
