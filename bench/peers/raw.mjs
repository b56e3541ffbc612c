// (a) node:http, one pre-encoded Buffer per event, res.write to each (chunked): what a careful person writes first
import http from 'node:http'
import { frameText, makeObject, PORT, publisher, rateQuery } from './pub.mjs'

const subs = new Set()
const pub = publisher((seq, due) => {
  const f = Buffer.from(frameText(seq, JSON.stringify(makeObject(seq, due))))
  for (const r of subs) r.write(f)
})
http
  .createServer((req, res) => {
    if (req.url.startsWith('/rate')) {
      pub.rate(...rateQuery(req.url))
      return res.end('ok')
    }
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    res.flushHeaders()
    subs.add(res)
    res.on('close', () => subs.delete(res))
  })
  .listen(PORT, '0.0.0.0', 4096, () => console.log('ready'))
