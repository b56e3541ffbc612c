/** Serves HTTP on a free port of this machine until the test ends. */
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import type { HttpServer } from '../../server/platform/http/http-server.ts'

/** @returns The port. */
export async function listenHere(http: HttpServer): Promise<number> {
  await http.fastify.listen({ host: '127.0.0.1', port: 0 })
  const { server } = http.fastify
  onTestFinished(async () => {
    http.front.stop()
    if (http.tlsConnections) http.tlsConnections.cut()
    else server.closeAllConnections()
    await http.fastify.close()
  })
  return (server.address() as AddressInfo).port
}
