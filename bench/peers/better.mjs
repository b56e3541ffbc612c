// better-sse: its own way to broadcast, channel.broadcast
import http from 'node:http'
import { createChannel, createSession } from 'better-sse'
import { makeObject, PORT, publisher, rateQuery } from './pub.mjs'

const channel = createChannel()
const pub = publisher((seq, due) => channel.broadcast(makeObject(seq, due), 'stats', { eventId: String(seq) }))
http
  .createServer(async (req, res) => {
    if (req.url.startsWith('/rate')) {
      pub.rate(...rateQuery(req.url))
      return res.end('ok')
    }
    channel.register(await createSession(req, res, { keepAlive: 15000 }))
  })
  .listen(PORT, '0.0.0.0', 4096, () => console.log('ready'))
