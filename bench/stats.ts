/**
 * CPU time of GET /api/dashboard/stats against the same body from bare node:http, in turn, over keep-alive: by a Node
 * client, and by wrk if installed, which costs less itself and keeps the server busier.
 */
import { execFile } from 'node:child_process'
import { Agent } from 'node:http'
import { promisify } from 'node:util'
import { apiKey, get, median, preciseCpuMs, round, type Server, startRustyMail, startServer } from './measure.ts'

const rounds = 7
const requestsPerRound = 10_000
const concurrency = 16
const wrkSeconds = 2
const path = '/api/dashboard/stats'

/** A server that always answers with its argument as the body. */
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
  try {
    for (const server of [rustymail, peer]) await load(server)
    const byClient = await inTurn(rustymail, peer, load)
    const byWrk = await inTurn(rustymail, peer, wrk).catch((error: unknown) => String(error))
    return {
      what: `CPU µs per request, ${rounds} rounds of ${requestsPerRound} requests, ${concurrency} at once; body of ${body.length} bytes; and of ${wrkSeconds} s of wrk`,
      ...byClient,
      by_wrk: byWrk,
      targets: '<= 1.75; by wrk <= 2.2',
    }
  } finally {
    await Promise.all([rustymail.stop(), peer.stop()])
  }
}

/** @param put Puts load on a server, and returns the number of requests. */
async function inTurn(ours: Server, bareServer: Server, put: (server: Server) => Promise<number>): Promise<object> {
  const micros = { rustymail: [] as number[], bare: [] as number[] }
  for (let turn = 0; turn < rounds; turn++) {
    micros.rustymail.push(await cost(ours, put))
    micros.bare.push(await cost(bareServer, put))
  }
  const ratios = micros.rustymail.map((value, index) => value / micros.bare[index]!)
  return {
    rustymail_us: round(median(micros.rustymail)),
    bare_node_http_us: round(median(micros.bare)),
    ratio: round(median(ratios)),
    ratios: ratios.map(value => round(value)),
  }
}

async function cost(server: Server, put: (server: Server) => Promise<number>): Promise<number> {
  const before = preciseCpuMs(server.pid)
  const requests = await put(server)
  return ((preciseCpuMs(server.pid) - before) * 1000) / requests
}

async function wrk({ url }: Server): Promise<number> {
  const options = ['-t1', `-c${concurrency}`, `-d${wrkSeconds}s`, '-H', `authorization: Bearer ${apiKey}`]
  const { stdout } = await promisify(execFile)('wrk', [...options, url + path])
  if (stdout.includes('Non-2xx')) throw new Error(stdout)
  return Number(/(\d+) requests in/.exec(stdout)![1])
}

async function load(server: Server): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  let left = requestsPerRound
  const worker = async () => {
    while (left-- > 0) await get(server.url + path, agent)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  agent.destroy()
  return requestsPerRound
}
