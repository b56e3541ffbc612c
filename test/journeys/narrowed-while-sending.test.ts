/** Rights that end while the mail server is being given a message: its last bytes are kept back, at whatever command. */
import { expect, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import { defaultPolicy, type TokenPolicy } from '../../contract/policy.ts'
import type { Submission } from '../../contract/submission.ts'
import { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import { startApp } from '../support/people.ts'
import { SmtpSink } from '../support/smtp-sink.ts'

const unattended = { always: false, strangers: false, tainted_minutes: null }
const letting = (more: Partial<TokenPolicy['sending']> = {}, mode: TokenPolicy['mode'] = 'act'): TokenPolicy => ({
  ...defaultPolicy,
  mode,
  sending: { ...defaultPolicy.sending, approval: unattended, ...more },
})

async function startWorld() {
  const sink = new SmtpSink({ password: 'secret' })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const { people } = await startApp({ overrides: { gateway: new MemoryGateway() } })
  const { admin } = people
  let count = 0
  const open = async () => {
    const user = `user${++count}`
    const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user, password: 'secret' }
    const smtp = { host: '127.0.0.1', port, tls: 'none', user: 'me', password: 'secret' }
    const body = { name: user, email: `${user}@example.org`, imap, smtp }
    const path = `${api.accounts.createAccount.path}?verify=false`
    const account = (await people.tell<Account>(admin, 'POST', path, body)).id
    const token = await people.token(['mail:send'], [account])
    const policy = api.policy.setTokenPolicy.path.replace('{token_id}', token.id)
    const setPolicy = (wanted: TokenPolicy) => people.tell(admin, 'PUT', policy, wanted)
    await setPolicy(letting())
    const base = `/api/v1/accounts/${account}/drafts`
    const draft = await people.tell<Draft>(token.proof, 'POST', base, {
      ...{ mode: 'new', to: ['anne@there.test'], subject: user, body: { format: 'markdown', content: 'Noon?' } },
    })
    const send = () => people.tell<Submission>(token.proof, 'POST', `${base}/${draft.id}/send`, { rev: draft.rev })
    return { account, token, setPolicy, send, subject: user }
  }
  return { people, sink, open }
}

type World = Awaited<ReturnType<typeof startWorld>>
type Sender = Awaited<ReturnType<World['open']>>

const freeze = ({ people }: World, body: object) => people.tell(people.admin, 'POST', api.freezes.freeze.path, body)
const narrowings: Record<string, (world: World, sender: Sender) => Promise<unknown>> = {
  'the token is frozen': (world, { token }) => freeze(world, { principal: token.id }),
  'the account is frozen': (world, { account }) => freeze(world, { account_id: account }),
  'the token is revoked': ({ people }, { token }) =>
    people.tell(people.admin, 'DELETE', api.tokens.revokeToken.path.replace('{token_id}', token.id)),
  'the account is deleted': ({ people }, { account }) =>
    people.tell(people.admin, 'DELETE', api.accounts.deleteAccount.path.replace('{account_id}', account)),
  'the account is disabled': ({ people }, { account }) =>
    people.tell(people.admin, 'PATCH', api.accounts.updateAccount.path.replace('{account_id}', account), {
      enabled: false,
    }),
  'the policy names others': (_world, { setPolicy }) => setPolicy(letting({ recipients: ['bob@there.test'] })),
  'the policy asks for approvals': (_world, { setPolicy }) => setPolicy(defaultPolicy),
  'the token may only propose': (_world, { setPolicy }) => setPolicy(letting({}, 'propose')),
  'the token loses its scope': ({ people }, { token }) =>
    people.tell(people.admin, 'PATCH', api.tokens.changeToken.path.replace('{token_id}', token.id), {
      scopes: ['mail:draft'],
    }),
}
const commands = ['EHLO', 'AUTH', 'MAIL', 'RCPT', 'DATA']

test.each(Object.entries(narrowings))(
  'nothing is sent once %s, whichever command the mail server is at',
  async (_, narrow) => {
    const world = await startWorld()
    for (const command of commands) {
      const sender = await world.open()
      const narrowed = Promise.withResolvers<void>()
      let isFirst = true
      world.sink.script.onCommand = async line => {
        if (!isFirst || !line.toUpperCase().startsWith(command)) return undefined
        isFirst = false
        await narrow(world, sender).then(() => narrowed.resolve(), narrowed.reject)
        return undefined
      }
      const { id } = await sender.send()
      await narrowed.promise
      const stateOf = async () => {
        const answer = await world.people.ask(world.people.admin, 'GET', `/api/v1/outbox/${id}`)
        return answer.status === 404 ? 'gone' : (JSON.parse(answer.text) as Submission).state
      }
      await expect.poll(stateOf, { message: command }).not.toMatch(/^(?:sending|sent)$/)
      expect([command, world.sink.taken.length]).toEqual([command, 0])
    }
  },
)
