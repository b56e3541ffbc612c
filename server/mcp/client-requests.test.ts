/** Requests to clients are answered once, by their principal alone, and bounded. */
import { expect, test } from 'vitest'
import { ClientRequests } from './client-requests.ts'

const response = (id: string) => ({ jsonrpc: '2.0' as const, id, result: {} })

test('an answer is taken once, from the principal that was asked; of a call that is over none', () => {
  const requests = new ClientRequests()
  const taken: unknown[] = []
  const id = requests.add('token-1', answer => void taken.push(answer.id))
  expect(requests.answer('token-2', response(id))).toBe(false)
  expect(requests.answer('token-1', response(`${id}x`))).toBe(false)
  expect(requests.answer('token-1', response(id))).toBe(true)
  expect(requests.answer('token-1', response(id))).toBe(false)
  const over = requests.add('token-1', answer => void taken.push(answer.id))
  requests.forget(over)
  expect(requests.answer('token-1', response(over))).toBe(false)
  expect(taken).toEqual([id])
})

test('a thousand requests wait at most, and each that is over makes room', () => {
  const requests = new ClientRequests()
  const ids = Array.from({ length: 1_000 }, () => requests.add('token-1', () => undefined))
  expect(() => requests.add('token-1', () => undefined)).toThrow('already waiting')
  requests.forget(ids[0]!)
  requests.add('token-1', () => undefined)
  expect(() => requests.add('token-1', () => undefined)).toThrow('already waiting')
  requests.answer('token-1', response(ids[1]!))
  requests.add('token-1', () => undefined)
})
