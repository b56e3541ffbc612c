/**
 * The server of a sender: takes every connection, and remembers who was asked for. Its names end with `.sender.localhost`,
 * which a browser finds on this machine without asking a name server.
 */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

export interface Contact {
  /** What stands before `.sender.localhost`; empty when the connection carried nothing. */
  name: string
  isTls: boolean
  /** For what a browser asked (Sec-Fetch-Dest); empty over TLS, which is not answered. */
  dest: string
}

export interface SenderServer {
  port: number
  /** A connection is put here when it opens; who was asked for is known when it speaks. */
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
      // In a TLS greeting the name stands in plain letters too (RFC 6066, section 3).
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

/** Of `name`, in the place of the marks of a vector. */
export function withSender(vector: string, name: string, port: number): string {
  const host = `${name}.sender.localhost:${port}`
  return vector
    .replaceAll('$u', `http://${host}/p.png`)
    .replaceAll('$s', `https://${host}/p.png`)
    .replaceAll('$h', host)
}
