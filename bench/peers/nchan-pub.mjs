// Publishes to nchan: pipelined POSTs on one connection that is kept; GET /rate?k= on CONTROL_PORT
import http from 'node:http'
import net from 'node:net'
import { makeObject, PORT, publisher, rateQuery } from './pub.mjs'

const socket = net.connect(PORT, '127.0.0.1')
socket.setNoDelay(true)
socket.resume()
const pub = publisher((seq, due) => {
  const body = JSON.stringify(makeObject(seq, due))
  const head = ['POST /pub HTTP/1.1', 'Host: x', 'X-EventSource-Event: stats', 'Content-Type: text/plain']
  socket.write(`${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
})
http
  .createServer((req, res) => {
    pub.rate(...rateQuery(req.url))
    res.end('ok')
  })
  .listen(Number(process.env.CONTROL_PORT), '127.0.0.1', () => console.log('ready'))
