/**
 * Names of properties that every JavaScript object has, where strangers or servers choose a name: they are as unknown
 * as any other.
 */
import { describe, expect, test } from 'vitest'
import { translateFault } from '../server/imap/adapters/imapflow-faults.ts'
import { toFolder, toHeader } from '../server/imap/adapters/imapflow-message.ts'
import { MemoryGateway } from '../server/imap/adapters/memory-gateway.ts'
import { parseSearch } from '../server/index/search-language.ts'
import { toProblem } from '../server/platform/http/http-problem.ts'
import { parseRequestHead } from '../server/platform/http/request-head.ts'
import { htmlText } from '../server/reading/html-text.ts'
import { StyleBudget } from '../server/reading/style-budget.ts'
import { StyleColors } from '../server/reading/style-color.ts'

const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']

describe.each(names)('%s', name => {
  test('as a keyword, a role and a file of mail', async () => {
    expect(toHeader({ seq: 1, uid: 7, flags: new Set([name, '\\Seen', name.toUpperCase()]) }).flags).toEqual(['seen'])
    const entry = { path: name, pathAsListed: name, name, delimiter: '/', parent: [], parentPath: '', listed: true }
    expect(toFolder({ ...entry, subscribed: true, flags: new Set([name]), specialUse: name })).toMatchObject({
      path: name,
      role: null,
      selectable: true,
    })
    const part = { type: `${name}/${name}`, part: '1', disposition: name, dispositionParameters: {}, id: `<${name}>` }
    const header = toHeader({ seq: 1, uid: 7, bodyStructure: { type: `multipart/${name}`, childNodes: [part] } })
    expect(header).toMatchObject({ hasAttachments: false, faults: [] })
    const gateway = new MemoryGateway()
    const uid = gateway.deliver({})
    const options = { timeoutMs: 1_000, signal: new AbortController().signal }
    const login = { host: 'memory', port: 143, tls: 'none', user: 'alice', password: 'secret' } as const
    const connection = await gateway.connect(login, options)
    expect((await connection.findPart('INBOX', uid, name, 100)).bytes).toBeUndefined()
    await expect(connection.listMessages(name, 1, undefined)).rejects.toMatchObject({ code: 'folder_not_found' })
  })

  test('in HTML and style sheets of mail', () => {
    const style = `color:${name};background:${name};font-size:3${name};width:3${name};${name}:${name};display:${name}`
    expect(
      htmlText(`<${name} ${name}="${name}" style="${style}">hello</${name}><p align="${name}">&${name};</p>`),
    ).toContain('hello')
    expect(new StyleColors(new StyleBudget(), true).find(name.toLowerCase(), undefined)).toBeUndefined()
  })

  test('in a search', () => {
    for (const query of [`is:${name}`, `larger:5${name}`, `${name.replaceAll('_', 'x')}:word`]) {
      expect(() => parseSearch(query, { inBody: true })).toThrow(expect.objectContaining({ code: 'bad_request' }))
    }
  })

  test('as the code of an error', () => {
    const error = Object.assign(new Error('odd'), { code: name })
    expect(toProblem(error)).toBeUndefined()
    const context = { host: 'h', port: 1, phase: 'tls', password: 'p' } as const
    expect(translateFault(error, context)).toMatchObject({
      code: 'mail_server_tls',
      message: expect.stringContaining('the TLS handshake failed'),
    })
  })

  test('as a header of a request', () => {
    const head = parseRequestHead(Buffer.from(`GET / HTTP/1.1\r\nHost: x\r\n${name}: value\r\n\r\n`))
    expect(head?.headers[name.toLowerCase()]).toBe('value')
  })
})
