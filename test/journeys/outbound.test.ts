/** What the operator names in the environment is trusted for what it was named for, and for nothing else. */
import { expect, test } from 'vitest'
import { api } from '../../contract/index.ts'
import { startApp } from '../support/people.ts'

test('a model on this machine does not let people name this machine as their mail server', async () => {
  const environment = {
    RUSTYMAIL_PRIVATE_NETWORKS: '',
    OLLAMA_BASE_URL: 'http://localhost:11434',
    OLLAMA_MODEL: 'small',
    IMAP_HOST: '127.0.0.1',
    IMAP_USER: 'ann@example.com',
    IMAP_PASS: 'secret',
  }
  const { people } = await startApp({ environment })
  const connect = async (host: string) => {
    const imap = { host, port: 1, tls: 'implicit', user: 'eve', password: 'secret' }
    const path = api.accounts.createAccount.path
    const { text } = await people.ask(people.admin, 'POST', path, { email: 'eve@example.com', imap })
    return (JSON.parse(text) as { code: string }).code
  }
  expect(await connect('localhost')).toBe('address_refused')
  expect(await connect('127.0.0.1')).toBe('mail_server_unreachable')
})
