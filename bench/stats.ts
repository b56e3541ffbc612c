/** Processor time of GET /api/dashboard/stats against the same body from bare node:http, in turn, over keep-alive. */
import { Agent } from 'node:http'
import { apiKey, cpuMs, get, median, round, type Server, startRustyMail, startServer } from './measure.ts'

const rounds = 7
const requestsPerRound = 10_000
const concurrency = 16
const path = '/api/dashboard/stats'

/** Answers the body of its argument and nothing else. */
const bare = `
const body = process.argv[1]
const server = require('node:http').createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) })
  response.end(body)
})
server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port))
process.on('SIGTERM', () => process.exit(0))
`

export async function stats(): Promise<object> {
  const rustymail = await startRustyMail()
  const headers = { authorization: `Bearer ${apiKey}` }
  const body = await (await fetch(rustymail.url + path, { headers })).text()
  const peer = await startServer(['-e', bare, body])
  const micros = { rustymail: [] as number[], bare: [] as number[] }
  try {
    for (const server of [rustymail, peer]) await load(server)
    for (let turn = 0; turn < rounds; turn++) {
      micros.rustymail.push(await cost(rustymail))
      micros.bare.push(await cost(peer))
    }
  } finally {
    await Promise.all([rustymail.stop(), peer.stop()])
  }
  const ratios = micros.rustymail.map((value, index) => value / micros.bare[index]!)
  return {
    what: `CPU µs per request, ${rounds} rounds of ${requestsPerRound} requests, ${concurrency} at once; body of ${body.length} bytes`,
    rustymail_us: round(median(micros.rustymail)),
    bare_node_http_us: round(median(micros.bare)),
    ratio: round(median(ratios)),
    ratios: ratios.map(value => round(value)),
    target: '<= 2.5',
  }
}

async function cost(server: Server): Promise<number> {
  const before = cpuMs(server.pid)
  await load(server)
  return ((cpuMs(server.pid) - before) * 1000) / requestsPerRound
}

async function load(server: Server): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  let left = requestsPerRound
  const worker = async () => {
    while (left-- > 0) await get(server.url + path, agent)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  agent.destroy()
}
