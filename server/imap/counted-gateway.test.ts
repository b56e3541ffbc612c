/** Each connection that fails is counted once, by its cause; one that was called off or closed by us is not. */
import { expect, test, vi } from 'vitest'
import type { MailLogin } from '../accounts/mail-login.ts'
import { Problem } from '../platform/problem.ts'
import { MemoryGateway } from './adapters/memory-gateway.ts'
import { CountedGateway } from './counted-gateway.ts'

const login: MailLogin = { host: 'memory', port: 143, tls: 'none', user: 'a', password: 'secret' }
const { signal } = new AbortController()

test('the cause of each failure is told, at the start and in the course of a connection', async () => {
  const memory = new MemoryGateway()
  const causes: string[] = []
  const gateway = new CountedGateway(memory, cause => causes.push(cause))
  const wrong = gateway.connect({ ...login, password: 'x' }, { timeoutMs: 1_000, signal })
  await expect(wrong).rejects.toMatchObject({ code: 'mail_login_refused' })
  memory.refusal = new Problem('mail_server_refused', 'Not today.')
  await expect(gateway.connect(login, { timeoutMs: 1_000, signal })).rejects.toThrow('Not today.')
  memory.refusal = undefined
  await gateway.connect(login, { timeoutMs: 1_000, signal })
  memory.cut()
  await vi.waitFor(() => expect(causes).toEqual(['login', 'other', 'closed']))
  const ours = await gateway.connect(login, { timeoutMs: 1_000, signal })
  await ours.close()
  await ours.closed
  const gone = new AbortController()
  gone.abort(new Error('called off'))
  await expect(gateway.connect(login, { timeoutMs: 1_000, signal: gone.signal })).rejects.toThrow('called off')
  expect(causes).toHaveLength(3)
})
