/** Exits with 0 if the server in this container is alive; the `HEALTHCHECK` of the Dockerfile runs it. */
import { get as getOverHttp } from 'node:http'
import { get as getOverHttps } from 'node:https'

const { RUSTYMAIL_PORT: port = '9437', RUSTYMAIL_TLS_CERT: certificate } = process.env
// The request goes to loopback, a name that the certificate does not have.
const options = { host: '127.0.0.1', port, path: '/health/live', timeout: 4_000, rejectUnauthorized: false }
const request = (certificate ? getOverHttps : getOverHttp)(options, answer => {
  process.exit(answer.statusCode === 200 ? 0 : 1)
})
request.on('timeout', () => request.destroy(new Error('no answer')))
request.on('error', error => {
  console.error(error.message)
  process.exit(1)
})
