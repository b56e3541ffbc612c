/**
 * A receiver of webhooks in a process of its own: counts what each path accepts, and records delays, duplicates and
 * disorder.
 */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { setup } from './protocol.ts'

interface Path {
  taken: number
  ids: Set<string>
  /** Number of the newest event. */
  newest: number
  doubles: number
  outOfOrder: number
}

const { certFile, keyFile, port = 0 } = setup()
const paths = new Map<string, Path>()
/** Milliseconds from each event to its arrival. */
let delays: number[] = []

const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
  const path = request.url ?? ''
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (path.startsWith('/hang/')) return
    const id = String(request.headers['webhook-id'])
    const { timestamp } = JSON.parse(Buffer.concat(chunks).toString()) as { timestamp: string }
    note(path, id)
    delays.push(Date.now() - Date.parse(timestamp))
    response.writeHead(204).end()
  })
})

function note(path: string, id: string): void {
  const known = paths.get(path) ?? { taken: 0, ids: new Set(), newest: 0, doubles: 0, outOfOrder: 0 }
  paths.set(path, known)
  const number = Number(/-(\d+)$/.exec(id)?.[1])
  known.taken++
  if (known.ids.has(id)) known.doubles++
  // Redelivery after a kill starts from earlier facts; new facts must never come before older ones.
  else if (number < known.newest) known.outOfOrder++
  known.ids.add(id)
  known.newest = Math.max(known.newest, number)
}

process.on('message', (message: 'reset' | 'counts' | 'figures') => {
  if (message === 'reset') {
    paths.clear()
    delays = []
  }
  const sum = (of: (path: Path) => number) => [...paths.values()].reduce((total, path) => total + of(path), 0)
  process.send?.({
    taken: sum(({ taken }) => taken),
    unique: sum(({ ids }) => ids.size),
    doubles: sum(({ doubles }) => doubles),
    outOfOrder: sum(({ outOfOrder }) => outOfOrder),
    delays: message === 'figures' ? delays : [],
  })
})
server.listen(port, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }))
