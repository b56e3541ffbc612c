/** What a server says of a folder when it is opened, also when it says nonsense. */
import { afterEach, expect, test } from 'vitest'
import { patience } from '../../../test/support/patience.ts'
import { type SocketServer, startSocketServer } from '../../../test/support/socket-server.ts'
import type { MailConnection } from '../mail-gateway.ts'
import { ImapFlowGateway } from './imapflow-gateway.ts'

let server: SocketServer | undefined
let connection: MailConnection | undefined

afterEach(async () => {
  await connection?.close()
  await server?.stop()
})

const whole = ['* 0 EXISTS', '* OK [UIDVALIDITY 7] valid', '* OK [UIDNEXT 1] next']

/** A connection to a server that has an INBOX and answers EXAMINE like this. */
async function connect(toExamine: string[], tagged = 'OK opened', flags = ''): Promise<MailConnection> {
  const answers: Record<string, string[]> = {
    CAPABILITY: ['* CAPABILITY IMAP4rev1 IDLE'],
    LIST: ['* LIST () "/" INBOX', `* LIST (${flags}) "/" Other`],
    EXAMINE: toExamine,
  }
  server = await startSocketServer(socket => {
    socket.write('* OK ready\r\n')
    socket.on('data', data => {
      for (const line of String(data).split('\r\n').filter(Boolean)) {
        const [tag, command = ''] = line.split(' ')
        const end = command === 'EXAMINE' ? tagged : 'OK done'
        socket.write([...(answers[command] ?? []), `${tag} ${end}`, ''].join('\r\n'))
      }
    })
  })
  const login = { host: '127.0.0.1', port: server.port, tls: 'none', user: 'a', password: 'b' } as const
  const { signal } = new AbortController()
  connection = await new ImapFlowGateway().connect(login, { timeoutMs: patience, signal })
  return connection
}

test('a folder is opened as the server describes it', async () => {
  const page = await (await connect(whole)).listMessages('INBOX', 10, undefined)
  expect(page).toEqual({ uidValidity: 7, total: 0, messages: [], hasMore: false })
})

test.each([
  ['nothing at all', [], 'EXISTS'],
  ['no number of messages', whole.slice(1), 'EXISTS'],
  ['words for the number of messages', ['* abc EXISTS', ...whole.slice(1)], 'EXISTS'],
  ['fewer messages than none', ['* -1 EXISTS', ...whole.slice(1)], 'EXISTS'],
  ['more messages than there can be', ['* 99999999999999999999 EXISTS', ...whole.slice(1)], 'EXISTS'],
  ['no UIDVALIDITY', ['* 1 EXISTS'], 'UIDVALIDITY'],
  ['words for UIDVALIDITY', ['* 1 EXISTS', '* OK [UIDVALIDITY abc] valid'], 'UIDVALIDITY'],
  ['a UIDVALIDITY that no reference can hold', ['* 1 EXISTS', '* OK [UIDVALIDITY 99999999999999] v'], 'UIDVALIDITY'],
])('a server that says %s of a folder is named as the cause', async (_name, toExamine, missing) => {
  const lent = await connect(toExamine)
  for (const call of [
    lent.listMessages('INBOX', 10, undefined),
    lent.getMessage('INBOX', 1, 100),
    lent.listArrivals('INBOX', 1, 10),
  ]) {
    await expect(call).rejects.toMatchObject({
      code: 'mail_server_refused',
      message: expect.stringContaining(missing),
      extension: { part: 'imap' },
    })
  }
})

test('a folder that is not there is not found, also where the server calls the command bad', async () => {
  const lent = await connect([], 'BAD Invalid mailbox name')
  await expect(lent.listMessages('Nowhere', 10, undefined)).rejects.toMatchObject({
    code: 'folder_not_found',
    status: 404,
  })
})

test('a folder that is there and is called bad is refused, not missing', async () => {
  const lent = await connect([], 'BAD Not now')
  for (const path of ['Other', 'inbox']) {
    await expect(lent.listMessages(path, 10, undefined), path).rejects.toMatchObject({
      code: 'mail_server_refused',
      extension: { server_response: 'BAD Not now' },
    })
  }
})

test.each(
  ['\\Noselect', '\\NOSELECT', '\\NonExistent'].flatMap(flag =>
    ['OK opened', 'NO no', "NO [NONEXISTENT] Mailbox doesn't exist", 'NO [CANNOT] not selectable', 'BAD Invalid'].map(
      tagged => [flag, tagged] as const,
    ),
  ),
)('a folder that is listed as %s holds no messages, when opening it is answered with %s', async (flag, tagged) => {
  const lent = await connect(whole, tagged, flag)
  for (const call of [() => lent.listMessages('Other', 10, undefined), () => lent.getMessage('Other', 1, 100)]) {
    await expect(call()).rejects.toMatchObject({ code: 'folder_not_selectable', status: 409 })
  }
})

test('an empty folder without a UIDVALIDITY has none yet', async () => {
  const lent = await connect(['* 0 EXISTS'])
  expect(await lent.listMessages('INBOX', 10, undefined)).toMatchObject({ uidValidity: 0, total: 0 })
  expect(await lent.watch('INBOX', () => undefined)).toEqual({ uidValidity: 0, uidNext: 1 })
})
