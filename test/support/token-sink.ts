/** An SMTP server that accepts access tokens, and introspects each at the authorisation server. */
import { onTestFinished } from 'vitest'
import type { MailAuthority } from './mail-authority.ts'
import { SmtpSink } from './smtp-sink.ts'

export async function startTokenSink(
  authority: Pick<MailAuthority, 'ownerOf'>,
  mechanism: 'XOAUTH2' | 'OAUTHBEARER',
): Promise<{ sink: SmtpSink; port: number; logins: string[] }> {
  const logins: string[] = []
  const sink = new SmtpSink({
    onCommand: async line => {
      if (/^EHLO/i.test(line))
        return `250-sink.test\r\n250-AUTH LOGIN PLAIN ${mechanism}\r\n250-8BITMIME\r\n250 SIZE 52428800`
      if (line === '' || line === 'AQ==') return '535 5.7.8 not accepted'
      const [, given, response = ''] = /^AUTH (\S+) (\S+)$/.exec(line) ?? []
      if (given === undefined) return undefined
      const fields = Buffer.from(response, 'base64').toString().split(String.fromCharCode(1))
      const user = /(?:user=|a=)([^,]+)/.exec(fields[0] ?? '')?.[1]
      const token = fields.find(field => field.startsWith('auth='))?.replace('auth=Bearer ', '')
      const owner = await authority.ownerOf(token ?? '')
      logins.push(`${given} ${user} ${owner}`)
      return owner !== undefined && owner === user ? '235 2.7.0 ok' : '334 eyJzdGF0dXMiOiI0MDEifQ=='
    },
  })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  return { sink, port, logins }
}
