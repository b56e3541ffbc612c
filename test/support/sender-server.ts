/**
 * A sender's server: accepts every connection, and records which name was asked for. Its names end in
 * `.sender.localhost`, which a browser resolves to this machine without DNS.
 */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface Contact {
  /** The label before `.sender.localhost`; empty if the connection sent nothing. */
  name: string
  isTls: boolean
  /** Destination of the browser's request (Sec-Fetch-Dest); empty over TLS, which is not answered. */
  dest: string
}

export interface SenderServer {
  port: number
  /** Connections in the order in which they opened; the name is filled in once the client sends. */
  contacts: Contact[]
  close(): Promise<void>
}

const picture = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')

export async function startSenderServer(): Promise<SenderServer> {
  const contacts: Contact[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    const contact: Contact = { name: '', isTls: false, dest: '' }
    contacts.push(contact)
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.once('data', (chunk: Buffer) => {
      // In a TLS ClientHello the name is in plain text too (RFC 6066, section 3).
      const text = chunk.toString('latin1')
      contact.name = /([a-z]+\d+)\.sender\.localhost/i.exec(text)?.[1] ?? ''
      contact.isTls = chunk[0] === 22
      contact.dest = /^sec-fetch-dest: *(\S+)/im.exec(text)?.[1] ?? ''
      if (contact.isTls) return socket.destroy()
      const head = `HTTP/1.1 200 OK\r\ncontent-type: image/gif\r\ncontent-length: ${picture.length}\r\nconnection: close\r\n\r\n`
      socket.end(Buffer.concat([Buffer.from(head), picture]))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    contacts,
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Fills in the placeholders of a vector with addresses of `name`. */
export function withSender(vector: string, name: string, port: number): string {
  const host = `${name}.sender.localhost:${port}`
  return vector
    .replaceAll('$u', `http://${host}/p.png`)
    .replaceAll('$s', `https://${host}/p.png`)
    .replaceAll('$h', host)
}
