/**
 * A stream of bare node:https without an event stream of ours: what Node and OpenSSL hold per stream. Controlled as
 * bench/events-server.ts is.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createControl } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const dataDir = mkdtempSync(join(tmpdir(), 'rustymail-bench-https-'))
const [cert, key] = [join(dataDir, 'cert.pem'), join(dataDir, 'key.pem')]
const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, '-subj', '/CN=localhost'], { stdio: 'ignore' })

const open = new Set()
const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_request, response) => {
  open.add(response)
  response.once('close', () => open.delete(response))
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write('event: hello\ndata: {}\n\n')
})
const control = createControl(async (_request, response) => {
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.()
    await new Promise(setImmediate)
  }
  response.end(JSON.stringify(process.memoryUsage()))
})
server.listen(0, '127.0.0.1', () => {
  control.listen(0, '127.0.0.1', () => {
    const [url, steered] = [server, control].map(each => `http://127.0.0.1:${each.address().port}`)
    console.log(JSON.stringify({ url, control: steered, pid: process.pid, dataDir }))
  })
})
process.on('SIGTERM', () => {
  rmSync(dataDir, { recursive: true, force: true })
  process.exit(0)
})
