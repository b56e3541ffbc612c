/** Names from `Object.prototype` in an address, a response, a fact or the trail are treated as unknown names. */
import { expect, test } from 'vitest'
import type { Fact } from '../../contract/event.ts'
import { oidcFaultOf } from '../access/oidc-return.ts'
import { passkeyWords } from '../access/passkeys.ts'
import { faultsOfError } from '../accounts/form-faults.ts'
import { outcomeWords } from '../audit/outcome-words.ts'
import { changeOf } from '../overview/change-words.ts'
import { fieldWords } from '../overview/field-words.ts'
import { faultsOfAnswer } from '../ui/use-form.ts'
import { ApiProblem } from './api-client.ts'

const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']

test.each(names)('%s is no word of the page, but a name', name => {
  expect(oidcFaultOf(name, 'Acme')).toEqual(oidcFaultOf('failed', 'Acme'))
  expect(passkeyWords(Object.assign(new Error('odd'), { name }))).toBeUndefined()
  expect(outcomeWords({ operation: name, outcome: name, status: 400 }).text).toBe(name)
  expect(outcomeWords({ operation: name, outcome: 'sign_in_failed', status: 400 }).text).toMatch(/^[A-Z][a-z]/)
  expect(fieldWords([name, `imap.${name}`])).toBe(`${name.replaceAll('_', ' ')}, IMAP ${name}`)
  expect(changeOf({ type: name } as unknown as Fact, [])).toBeUndefined()
  const body = { type: 'about:blank', title: 't', status: 400, detail: 'd', request_id: 'r' }
  const errors = [{ path: `body.${name}`, message: 'is wrong' }]
  const problem = new ApiProblem({ ...body, code: name, errors } as never)
  expect(faultsOfAnswer(problem, ['email'], {})).toEqual({})
  expect(faultsOfError(problem)[name]).toBe('Is wrong')
})
