/** Where RustyMail connects to when a person named the server. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Problem } from '../problem.ts'
import { GuardedFetch } from './guarded-fetch.ts'
import { type Address, answerWith, OutboundGuard } from './outbound-guard.ts'
import { judgeAddress } from './outbound-rules.ts'

test.each([
  ['93.184.215.14', 'open'],
  ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', 'open'],
  ['127.0.0.1', 'inner'],
  ['127.8.9.1', 'inner'],
  ['10.1.2.3', 'inner'],
  ['172.31.255.255', 'inner'],
  ['172.32.0.1', 'open'],
  ['192.168.1.1', 'inner'],
  ['100.64.0.1', 'inner'],
  ['::1', 'inner'],
  ['fd12:3456::1', 'inner'],
  ['169.254.169.254', 'forbidden'],
  ['100.100.100.200', 'forbidden'],
  ['fd00:ec2::254', 'forbidden'],
  ['168.63.129.16', 'forbidden'],
  ['fd20:ce::254', 'forbidden'],
  ['fe80::1', 'forbidden'],
  ['fe80::1%eth0', 'forbidden'],
  ['0.0.0.0', 'forbidden'],
  ['::', 'forbidden'],
  ['224.0.0.1', 'forbidden'],
  ['255.255.255.255', 'forbidden'],
  ['::ffff:169.254.169.254', 'forbidden'],
  ['::ffff:a9fe:a9fe', 'forbidden'],
  ['::ffff:127.0.0.1', 'inner'],
  ['::127.0.0.1', 'inner'],
  ['64:ff9b::a9fe:a9fe', 'forbidden'],
  ['2002:a9fe:a9fe::1', 'forbidden'],
  ['2002:7f00:1::', 'inner'],
  ['2002:5db8:d70e::1', 'open'],
  // IPv4-translated (SIIT, RFC 2765).
  ['::ffff:0:169.254.169.254', 'forbidden'],
  ['::ffff:0:a9fe:a9fe', 'forbidden'],
  ['0:0:0:0:FFFF:0:10.0.0.1', 'inner'],
  ['::ffff:0:93.184.215.14', 'open'],
  ['::ffff:93.184.215.14', 'open'],
  ['64:ff9b::10.0.0.1', 'inner'],
  ['64:ff9b::93.184.215.14', 'open'],
  // A translator of this network's own, in the four forms of RFC 6052 and behind a subnet of it.
  ['64:ff9b:1::93.184.215.14', 'inner'],
  ['64:ff9b:1:7::169.254.169.254', 'forbidden'],
  ['64:ff9b:1:a9fe:a9:fe00::', 'forbidden'],
  ['64:ff9b:1:a9:fe:a9fe::', 'forbidden'],
  ['64:ff9b:1::a9:fea9:fe00:0', 'forbidden'],
  // Teredo: the server, and the client with its bits turned over.
  ['2001:0:5db8:d70e:0:3fff:a247:28f1', 'open'],
  ['2001:0:5db8:d70e:0:3fff:5601:5601', 'forbidden'],
  ['2001:0:5db8:d70e:0:3fff:f5ff:fffe', 'inner'],
  ['2001:0:a9fe:a9fe:0:3fff:a247:28f1', 'forbidden'],
  ['2001:0:7f00:1:0:3fff:a247:28f1', 'inner'],
  // ISATAP, behind any prefix and with either bit.
  ['2606:2800:21f:cb07:0:5efe:10.0.0.1', 'inner'],
  ['2606:2800:21f:cb07:200:5efe:a9fe:a9fe', 'forbidden'],
  ['2606:2800:21f:cb07:0:5efe:93.184.215.14', 'open'],
  ['fd12:3456::5efe:93.184.215.14', 'inner'],
  ['2001:db8::a9fe:a9fe', 'open'],
  ['fe80::1%25', 'forbidden'],
  ['127.1', 'forbidden'],
  ['', 'forbidden'],
  ['not an address', 'forbidden'],
] as const)('%s is %s', (address, verdict) => {
  expect(judgeAddress(address)).toBe(verdict)
})

const v4 = (address: string): Address => ({ address, family: 4 })

function guard(answers: Record<string, Address[]>, options: { privateNetworks?: string[]; trusted?: string[] } = {}) {
  const { privateNetworks = [], trusted = [] } = options
  return new OutboundGuard({ privateNetworks, trusted, isAdjustable: true, resolve: async host => answers[host] ?? [] })
}

test('a private address is refused by name and by number, unless its range is allowed or the operator named the server', async () => {
  const answers = { 'mail.example': [v4('10.0.0.5')] }
  await expect(guard(answers).check('mail.example', 993)).rejects.toMatchObject({
    code: 'address_refused',
    message: expect.stringContaining('RUSTYMAIL_PRIVATE_NETWORKS'),
  })
  await expect(guard({}).check('127.0.0.1', 993)).rejects.toMatchObject({ code: 'address_refused' })
  await expect(guard({}).check('[::1]', 993)).rejects.toMatchObject({ code: 'address_refused' })
  expect(await guard(answers, { privateNetworks: ['10.0.0.0/8'] }).check('mail.example', 993)).toEqual([v4('10.0.0.5')])
  expect(await guard(answers, { trusted: ['mail.example'] }).check('MAIL.example', 993)).toEqual([v4('10.0.0.5')])
  const sandbox = guard({})
  sandbox.trust('127.0.0.1', 1143)
  expect(await sandbox.check('127.0.0.1', 1143)).toHaveLength(1)
  await expect(sandbox.check('127.0.0.1', 1144)).rejects.toMatchObject({ code: 'address_refused' })
})

test('an address that leads to several places is let through when all of them are allowed', async () => {
  const allowing = (...privateNetworks: string[]) => guard({}, { privateNetworks })
  const teredo = '2001:0:7f00:1:0:3fff:f5ff:fffe'
  await expect(allowing('10.0.0.0/8').check(teredo, 993)).rejects.toMatchObject({ code: 'address_refused' })
  expect(await allowing('10.0.0.0/8', '127.0.0.1').check(teredo, 993)).toHaveLength(1)
  const local = '64:ff9b:1::10.0.0.1'
  for (const range of ['10.0.0.0/8', '64:ff9b:1::/48']) {
    await expect(allowing(range).check(local, 993), range).rejects.toMatchObject({ code: 'address_refused' })
  }
  expect(await allowing('10.0.0.0/8', '64:ff9b:1::/48').check(local, 993)).toHaveLength(1)
  // Ranges of IPv6, however wide, say nothing of IPv4.
  for (const inner of ['10.0.0.1', '::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '::ffff:0:10.0.0.1']) {
    await expect(allowing('::/0').check(inner, 993), inner).rejects.toMatchObject({ code: 'address_refused' })
    expect(await allowing('10.0.0.0/8').check(inner, 993), inner).toHaveLength(1)
  }
})

test('what is closed is told with all that would have to be allowed, and with the line that allows it', async () => {
  const answers: Record<string, Address[]> = {
    'home.example': [v4('192.168.1.10'), { address: 'fd12:3456::10', family: 6 }, v4('93.184.215.14')],
    'worse.example': [v4('192.168.1.10'), v4('169.254.169.254')],
  }
  const closed = guard(answers)
  await expect(closed.check('home.example', 993)).rejects.toMatchObject({
    code: 'address_refused',
    message: expect.stringContaining('home.example (192.168.1.10) is on a private network'),
    extension: {
      fault: 'private_network',
      networks: ['192.168.1.10/32', 'fd12:3456::10/128'],
      setting: 'RUSTYMAIL_PRIVATE_NETWORKS=192.168.1.0/24,fd12:3456::/64',
    },
  })
  await expect(closed.check('127.0.0.1', 993)).rejects.toMatchObject({
    message: expect.stringContaining('127.0.0.1 is this machine'),
    extension: { networks: ['127.0.0.1/32'], setting: 'RUSTYMAIL_PRIVATE_NETWORKS=127.0.0.1/32' },
  })
  // If ranges are configured, the suggested line would replace them; and they are not shown to every caller.
  const configured = guard(answers, { privateNetworks: ['10.9.0.0/16'] })
  const told = await configured.check('192.168.7.7', 993).catch((error: Problem) => error)
  expect(told).toMatchObject({ message: expect.stringContaining('192.168.7.0/24 in RUSTYMAIL_PRIVATE_NETWORKS') })
  expect(JSON.stringify(told)).not.toMatch(/10\.9|setting/)
  // If it cannot be allowed at run time, the error does not suggest that.
  const fixed = new OutboundGuard({ privateNetworks: [], trusted: [] })
  const refusal = await fixed.check('192.168.7.7', 443).catch((error: Problem) => error)
  expect(refusal).toMatchObject({ message: expect.not.stringContaining('administrator') })
  expect(refusal).not.toHaveProperty('extension.networks')
  // What can never be allowed is not suggested.
  const refused = await closed.check('worse.example', 993).catch((error: unknown) => error)
  expect(refused).toMatchObject({ extension: { fault: 'forbidden_address' } })
  expect(refused).not.toHaveProperty('extension.networks')
})

test('of very many closed networks no more are suggested than one request can allow', async () => {
  const many = Array.from({ length: 20 }, (_, number) => v4(`10.${number}.0.1`))
  const closed = guard({ 'many.example': many })
  const refused = await closed.check('many.example', 993).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'address_refused', extension: { networks: { length: 16 } } })
})

test('what is allowed later opens beside what is configured, and closes again, but never what is forbidden', async () => {
  const judged = guard({}, { privateNetworks: ['10.0.0.0/8'] })
  const isOpen = (address: string) =>
    judged.check(address, 993).then(
      () => true,
      () => false,
    )
  const places = ['10.0.0.5', '192.168.1.10', '192.168.1.11', '169.254.169.254']
  const openOnes = () => Promise.all(places.map(isOpen))
  expect(await openOnes()).toEqual([true, false, false, false])
  judged.allow(['192.168.1.10/32', '169.254.0.0/16'])
  expect(await openOnes()).toEqual([true, true, false, false])
  judged.allow([])
  expect(await openOnes()).toEqual([true, false, false, false])
})

test('a metadata address is refused whatever is allowed, also as one of several answers', async () => {
  const all = { privateNetworks: ['0.0.0.0/0', '::/0'], trusted: ['evil.example'] }
  const answers = { 'evil.example': [v4('93.184.215.14'), v4('169.254.169.254')] }
  await expect(guard(answers, all).check('evil.example', 80)).rejects.toMatchObject({ code: 'address_refused' })
})

test('a name that changes its answer leads nowhere else: the connection goes to the address that was judged', async () => {
  const { port, hits } = await web()
  const answers = [[v4('127.0.0.1')], [v4('169.254.169.254')]]
  const asked: string[] = []
  const rebinding = new OutboundGuard({
    privateNetworks: ['127.0.0.0/8'],
    trusted: [],
    resolve: async host => {
      asked.push(host)
      return answers.shift() ?? []
    },
  })
  const addresses = await rebinding.check('rebind.example', port)
  const socket = connect({ host: 'rebind.example', port, lookup: answerWith(addresses) })
  await once(socket, 'connect')
  expect([socket.remoteAddress, asked]).toEqual(['127.0.0.1', ['rebind.example']])
  socket.destroy()
  expect(hits).toEqual([])
})

test('fetch goes to judged addresses, sends its body, and is not led to another host', async () => {
  const { port, hits } = await web()
  const judged = guard(
    { 'api.example': [v4('127.0.0.1')], 'inner.example': [v4('10.0.0.1')] },
    { trusted: ['api.example'] },
  )
  const { fetch, stop } = guarded(judged)
  onTestFinished(stop)
  const base = `http://api.example:${port}`
  const answer = await fetch(`${base}/echo`, {
    method: 'POST',
    body: 'hello',
    headers: { 'content-type': 'text/plain' },
  })
  expect([answer.status, await answer.text()]).toEqual([200, 'POST hello'])
  expect(await (await fetch(`${base}/again`)).text()).toBe('GET ')
  await expect(fetch(`${base}/elsewhere`)).rejects.toMatchObject({ code: 'address_refused' })
  await expect(fetch(`${base}/for-ever`)).rejects.toMatchObject({ code: 'address_refused' })
  await expect(fetch(`http://inner.example:${port}/`)).rejects.toMatchObject({
    cause: expect.objectContaining({ code: 'address_refused' }),
  })
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: 'address_refused' })
  expect(hits).not.toContain('/secret')
})

test('a name that changes its answer between two connections of fetch is judged with each, and asked once for each', async () => {
  const { port, hits } = await web()
  const answers = [[v4('127.0.0.1')], [v4('127.0.0.1'), v4('169.254.169.254')], [v4('10.0.0.1')]]
  let asked = 0
  const resolve = async () => answers[asked++] ?? []
  const rebinding = new OutboundGuard({ privateNetworks: ['127.0.0.0/8'], trusted: [], resolve })
  const { fetch, renew, stop } = guarded(rebinding)
  onTestFinished(stop)
  const ask = (path: string) => fetch(`http://rebind.example:${port}${path}`)
  expect(await (await ask('/first')).text()).toBe('GET ')
  expect(asked).toBe(1)
  for (const path of ['/second', '/third']) {
    renew()
    await expect(ask(path)).rejects.toMatchObject({ cause: expect.objectContaining({ code: 'address_refused' }) })
  }
  expect([asked, hits]).toEqual([3, ['/first']])
})

test('what is closed later is not reached over a connection from before', async () => {
  const { port } = await web()
  const judged = guard({ 'model.example': [v4('127.0.0.1')] })
  const { fetch, renew, stop } = guarded(judged)
  onTestFinished(stop)
  const ask = async () => (await fetch(`http://model.example:${port}/`)).text()
  judged.allow(['127.0.0.1/32'])
  expect(await ask()).toBe('GET ')
  judged.allow([])
  renew()
  await expect(ask()).rejects.toMatchObject({ cause: expect.objectContaining({ code: 'address_refused' }) })
})

function guarded(judged: OutboundGuard) {
  const guarded = new GuardedFetch({ guard: judged })
  return { fetch: guarded.fetch, renew: () => guarded.renew(), stop: () => guarded.stop() }
}

async function web() {
  const hits: string[] = []
  const server = createServer(async (request, response) => {
    hits.push(request.url ?? '')
    const to = { '/again': '/echo', '/elsewhere': `http://127.0.0.1:${port}/secret`, '/for-ever': '/for-ever' }[
      request.url ?? ''
    ]
    if (to) return response.writeHead(302, { location: to }).end()
    let body = ''
    for await (const chunk of request) body += chunk
    response.end(`${request.method} ${body}`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  return { port, hits }
}
