/** The sender in memory keeps the promises of the port. */
import { describe } from 'vitest'
import { mailSenderSuite } from './mail-sender.suite.ts'
import { MemorySenders } from './memory-sender.ts'

const login = { host: 'memory', port: 25, tls: 'none', user: 'me', password: 'secret' } as const

describe('in memory', () =>
  mailSenderSuite({
    open: async ({ isAway = false, password, ...ways } = {}, connections = 3) => {
      const senders = new MemorySenders()
      const isWrong = password !== undefined
      senders.server = {
        ...ways,
        ...(isAway && { away: { code: 'mail_server_unreachable', response: '' } }),
        ...(isWrong && { away: { code: 'mail_login_refused', response: '535 5.7.8 wrong password' } }),
      }
      return {
        sender: senders.open('a', async () => login, connections),
        taken: () => senders.taken.map(({ envelope: { from, to }, bytes }) => ({ from, to: [...to], bytes })),
      }
    },
  }))
