/**
 * Real proxies for tests: nginx and Caddy in the foreground on a free port of 127.0.0.1, each with a directory of its
 * own.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from './free-port.ts'
import { patience } from './patience.ts'
import { getTool } from './require.ts'
import { tempDir } from './temp-dir.ts'

export interface RunningProxy {
  /** The proxy's URL, `https:` if its configuration uses TLS. */
  readonly url: string
  /** The self-signed certificate for 127.0.0.1 in PEM, and the file that holds it. */
  readonly certificate: Buffer
  readonly certificateFile: string
}

export type ProxyProgram = 'nginx' | 'caddy'

/** Replacements for the places in a configuration that people are shown. */
interface Places {
  port: number
  upstream: string
  directory: string
}

interface Program {
  isTls: RegExp
  /** Writes the configuration; returns the arguments. */
  prepare(configuration: string, places: Places): string[]
  /** Text in its log once it listens. */
  ready: string
}

const programs: Record<ProxyProgram, Program> = {
  nginx: { isTls: /\blisten 443 ssl\b/, prepare: prepareNginx, ready: 'event method' },
  caddy: { isTls: /^mail\.example\.com \{/m, prepare: prepareCaddy, ready: 'serving initial configuration' },
}

/**
 * Starts a proxy that is stopped and removed when the test ends. The configuration is, or resembles, one that people
 * are shown: RustyMail is at 127.0.0.1:9437, the site is mail.example.com on the usual ports, its certificate is in
 * /etc/ssl.
 */
export async function startProxy(
  program: ProxyProgram,
  configuration: string,
  rustymail: string,
): Promise<RunningProxy> {
  const { path: directory, remove } = tempDir(program)
  onTestFinished(remove)
  const certificateFile = createCertificate(directory)
  const { isTls } = programs[program]
  const upstream = new URL(rustymail).host
  // Retries on other ports, three times in all, since another program may take one between the check and the start.
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      await launch(program, configuration, { port, upstream, directory })
      const url = `${isTls.test(configuration) ? 'https' : 'http'}://127.0.0.1:${port}`
      return { url, certificate: readFileSync(certificateFile), certificateFile }
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error
    }
  }
}

async function launch(program: ProxyProgram, configuration: string, places: Places): Promise<void> {
  const { prepare, ready } = programs[program]
  const { directory } = places
  const environment = { HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory }
  const child = spawn(getTool(program), prepare(configuration, places), {
    cwd: directory,
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  // Neither has child processes or state to save.
  const kill = () => child.kill('SIGKILL')
  // A test may have more than ten proxies at once, for which Node would report a leak of listeners.
  process.setMaxListeners(100)
  process.once('exit', kill)
  const closed = once(child, 'close')
  onTestFinished(async () => {
    kill()
    await closed
    process.off('exit', kill)
  })
  let log = ''
  const listening = Promise.withResolvers<void>()
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-100_000)
    if (log.includes(ready)) listening.resolve()
  })
  closed.then(
    ([code]) => listening.reject(new Error(`${program} ended with ${code}:\n${log}`)),
    error => listening.reject(error),
  )
  const timer = setTimeout(() => listening.reject(new Error(`${program} does not listen:\n${log}`)), patience)
  await listening.promise.finally(() => clearTimeout(timer))
}

function prepareNginx(configuration: string, { port, upstream, directory }: Places): string[] {
  const file = join(directory, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${name};`)
  const servers = configuration
    .replace(/\blisten (443|80)\b/g, `listen 127.0.0.1:${port}`)
    .replaceAll('/etc/ssl/mail.example.com', join(directory, 'mail.example.com'))
    .replaceAll('127.0.0.1:9437', upstream)
  // A single process leaves nothing behind when it is killed, and needs no rights of another user.
  const main = `daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr notice;\nevents {}\n`
  writeFileSync(file, `${main}http {\naccess_log off;\n${temporary.join('\n')}\n${servers}\n}\n`)
  return ['-e', 'stderr', '-p', directory, '-c', file]
}

function prepareCaddy(configuration: string, { port, upstream, directory }: Places): string[] {
  const file = join(directory, 'Caddyfile')
  const [certificate, key] = ['crt', 'key'].map(end => join(directory, `mail.example.com.${end}`))
  const sites = configuration
    .replace(/^mail\.example\.com \{/m, `https://127.0.0.1:${port} {\n\ttls ${certificate} ${key}`)
    .replace(/^http:\/\/mail\.example\.com \{/m, `http://127.0.0.1:${port} {`)
    .replaceAll('127.0.0.1:9437', upstream)
  // A Caddyfile may have only one block of global options.
  const options = '{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n'
  writeFileSync(file, sites.startsWith('{\n') ? sites.replace('{\n', options) : `${options}}\n${sites}`)
  return ['run', '--config', file, '--adapter', 'caddyfile']
}

function createCertificate(directory: string): string {
  const file = join(directory, 'mail.example.com.crt')
  const files = ['-keyout', join(directory, 'mail.example.com.key'), '-out', file]
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']
  execFileSync('openssl', ['req', '-x509', ...key, ...names, ...files], { stdio: 'ignore' })
  return file
}
