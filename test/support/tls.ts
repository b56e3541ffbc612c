/** A self-signed certificate, the real program behind it, and clients that trust it. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type Settings,
} from 'node:http2'
import { request } from 'node:https'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { onTestFinished } from 'vitest'
import { spawnRustyMail } from './rustymail.ts'
import { tempDir } from './temp-dir.ts'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
}

export interface Certificate {
  certFile: string
  keyFile: string
}

/** Creates a certificate for localhost, removed when the test ends. */
export function selfSigned(): Certificate {
  const dir = tempDir('tls')
  onTestFinished(() => dir.remove())
  return selfSignedIn(dir.path)
}

export function selfSignedIn(dir: string): Certificate {
  const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync('openssl', ['req', ...kind, '-keyout', keyFile, '-out', certFile, ...name], { stdio: 'ignore' })
  return { certFile, keyFile }
}

/** Makes everything in this process trust it. @returns A function that reverts that. */
export function trust(certFile: string): () => void {
  const before = getCACertificates('default')
  setDefaultCACertificates([...before, readFileSync(certFile, 'utf8')])
  return () => setDefaultCACertificates(before)
}

/** Starts the program with TLS and without users. */
export async function startWithTls(environment: Record<string, string> = {}) {
  const { certFile, keyFile } = selfSigned()
  const dir = tempDir('tls')
  onTestFinished(() => dir.remove())
  const tls = { RUSTYMAIL_TLS_CERT: certFile, RUSTYMAIL_TLS_KEY: keyFile }
  const { child, log } = spawnRustyMail({
    dataDir: join(dir.path, 'data'),
    environment: { ...tls, ...environment },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [listening, setUp] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  createInterface({ input: child.stdout }).on('line', line => {
    const address = /http\S+/.exec(line)?.[0] ?? ''
    if (address.includes('/setup#')) setUp.resolve(address)
    else listening.resolve(address)
  })
  child.once('close', code => {
    for (const { reject } of [listening, setUp]) reject(new Error(`it ended with ${code}:\n${log()}`))
  })
  const [url, setupLink] = await Promise.all([listening.promise, setUp.promise])
  const ca = readFileSync(certFile)
  const stop = async () => {
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    const [code] = await closed
    return code as number | null
  }
  return {
    url,
    setupToken: new URL(setupLink).hash.slice(1),
    child,
    log,
    stop,
    over1: (path: string, options: Sent = {}) => askOver1(url, ca, path, options),
    session: (settings: Settings = {}) => openSession(url, ca, settings),
  }
}

export interface Sent {
  method?: string
  headers?: Record<string, string>
  body?: object
}

async function askOver1(url: string, ca: Buffer, path: string, { method = 'GET', headers = {}, body }: Sent) {
  const asked = request(new URL(path, url), { method, ca, headers: { ...headers, ...typeOf(body) }, agent: false })
  asked.end(body && JSON.stringify(body))
  const [response] = await once(asked, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  return { status: response.statusCode, headers: response.headers, text } as Answer
}

export async function openSession(url: string, ca: Buffer, settings: Settings): Promise<ClientHttp2Session> {
  const session = connect(url, { ca, settings })
  onTestFinished(() => session.destroy())
  session.on('error', () => undefined)
  await once(session, 'connect')
  return session
}

/** HTTP/2 has pseudo-headers, which begin with a colon, in place of HTTP/1.1's request line. */
export async function requestOver2(session: ClientHttp2Session, path: string, sent: Sent = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = sent
  const asked = session.request({ ':path': path, ':method': method, ...headers, ...typeOf(body) })
  asked.end(body && JSON.stringify(body))
  const whole = wholeOf(asked)
  const [head] = (await once(asked, 'response')) as [IncomingHttpHeaders & { ':status': number }]
  return { status: head[':status'], headers: head, text: await whole }
}

/** Reads an answer's body. Call it before awaiting anything: Node discards what is unread when the stream closes. */
export function wholeOf(stream: ClientHttp2Stream): Promise<string> {
  const whole = text(stream)
  whole.catch(() => undefined)
  return whole
}

export interface Reader {
  stream: ClientHttp2Stream
  /** Text received so far. */
  text(): string
  ended: Promise<unknown>
}

/** Opens an event stream; while it is paused it does not read. */
export function readOver2(session: ClientHttp2Session, path: string, headers: Record<string, string>): Reader {
  const stream = session.request({ ':path': path, accept: 'text/event-stream', ...headers })
  let text = ''
  stream.on('data', chunk => {
    text += chunk
  })
  stream.on('error', () => undefined)
  return { stream, text: () => text, ended: new Promise(resolve => stream.once('close', resolve)) }
}

function typeOf(body: object | undefined): Record<string, string> {
  return body ? { 'content-type': 'application/json' } : {}
}
