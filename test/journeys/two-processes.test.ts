/**
 * Two processes write to one event log: each receives the facts of both once and in the same order, whichever is killed
 * meanwhile.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { migrations } from '../../server/migrations.ts'
import { type Database, openDatabase } from '../../server/platform/database/database.ts'
import { migrate } from '../../server/platform/database/migrate.ts'
import { compileCache } from '../support/compile-cache-setup.ts'
import { onEachDatabase } from '../support/databases.ts'

const program = new URL('../support/log-writer.ts', import.meta.url).pathname

class Writer {
  readonly #child
  readonly #waiting = new Set<() => void>()
  readonly #closed: Promise<unknown>
  readonly name: string
  /** `<number> <name> <uid>` of each fact received. */
  readonly heard: string[] = []
  readonly #counts = new Map<string, number>()
  readonly done: string[] = []
  errors = ''

  constructor(url: string, name: string) {
    this.name = name
    // Uses the compile cache, as a server does.
    const env = { ...process.env, NODE_COMPILE_CACHE: compileCache }
    this.#child = spawn(process.execPath, [program, url, name], { stdio: ['pipe', 'pipe', 'pipe'], env })
    this.#closed = once(this.#child, 'close')
    this.#child.stdin.on('error', () => undefined)
    this.#child.stderr.on('data', chunk => {
      this.errors += chunk
    })
    createInterface({ input: this.#child.stdout }).on('line', line => {
      if (line.startsWith('heard ')) this.#hear(line.slice('heard '.length))
      else this.done.push(line)
      for (const look of this.#waiting) look()
    })
    onTestFinished(() => this.kill())
  }

  say(word: string): void {
    this.#child.stdin.write(`${word}\n`)
  }

  /** Checks after each line. */
  async until(isSo: () => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = () => isSo() && resolve()
    this.#waiting.add(look)
    this.#closed.then(() => reject(new Error(`${this.name} ended: ${this.errors}`)))
    look()
    await promise.finally(() => this.#waiting.delete(look))
  }

  heardOf(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  #hear(fact: string): void {
    this.heard.push(fact)
    const [, name = ''] = fact.split(' ')
    this.#counts.set(name, this.heardOf(name) + 1)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  async stop(): Promise<void> {
    this.#child.stdin.end()
    await this.#closed
    expect(this.errors).toBe('')
  }
}

async function startWriter(url: string, name: string): Promise<Writer> {
  const writer = new Writer(url, name)
  await writer.until(() => writer.done.includes('ready'))
  return writer
}

async function stored(db: Database): Promise<string[]> {
  const rows = await db.selectFrom('events').select(['number', 'data']).orderBy('number').execute()
  expect(rows.map(({ number }) => number)).toEqual(rows.map((_, index) => index + 1))
  return rows.map(({ number, data }) => {
    const { folder, uid } = JSON.parse(data)
    return `${number} ${folder} ${uid}`
  })
}

function uidsOf(lines: string[], name: string): number[] {
  return lines.flatMap(line => {
    const [, of, uid] = line.split(' ')
    return of === name ? [Number(uid)] : []
  })
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const ascending = (numbers: number[]) => numbers.toSorted((a, b) => a - b)

onEachDatabase((_open, newUrl) => {
  const openNew = async () => {
    const url = await newUrl()
    const db = openDatabase(url)
    onTestFinished(() => db.destroy())
    await migrate(db, migrations)
    return { url, db }
  }

  test('50,000 facts from both: each hears all of them, once, in the order of the table', async () => {
    const { url, db } = await openNew()
    const count = 25_000
    const [ann, bob] = await Promise.all([startWriter(url, 'ann'), startWriter(url, 'bob')])
    for (const writer of [ann, bob]) writer.say(`write ${count}`)
    for (const writer of [ann, bob]) await writer.until(() => writer.heard.length >= 2 * count)
    const all = await stored(db)
    for (const name of ['ann', 'bob']) expect(ascending(uidsOf(all, name))).toEqual(range(count))
    for (const writer of [ann, bob]) {
      expect(writer.heard).toEqual(all)
      await writer.stop()
    }
  })

  test('either is killed in the middle: the other misses nothing, and who comes after hears what is new', async () => {
    const { url, db } = await openNew()
    const [ann, bob] = await Promise.all([startWriter(url, 'ann'), startWriter(url, 'bob')])
    for (const writer of [ann, bob]) writer.say('write 1000000')
    await ann.until(() => ann.heard.length > 6_000 && ann.heardOf('bob') > 2_000)
    await bob.kill()
    const cat = await startWriter(url, 'cat')
    cat.say('write 4000')
    await cat.until(() => cat.heardOf('ann') > 2_000 && cat.heardOf('cat') === 4_000)
    await ann.until(() => ann.heardOf('cat') > 2_000)
    await ann.kill()
    const dan = await startWriter(url, 'dan')
    dan.say('write 2000')
    await dan.until(() => dan.heardOf('dan') === 2_000)
    await cat.until(() => cat.heardOf('dan') === 2_000)
    // Its pending writes are committed; afterwards nothing writes.
    await cat.kill()
    const all = await stored(db)
    for (const { heard } of [ann, bob, cat, dan]) {
      const first = Number(heard[0]!.split(' ')[0])
      expect(heard).toEqual(all.slice(first - 1, first - 1 + heard.length))
    }
    expect(ann.heard[0]).toMatch(/^1 /)
    await dan.until(() => dan.heard.at(-1) === all.at(-1))
    for (const name of ['ann', 'bob', 'cat', 'dan']) {
      const uids = uidsOf(all, name)
      expect(new Set(uids).size).toBe(uids.length)
    }
    expect(ascending(uidsOf(all, 'dan'))).toEqual(range(2_000))
    await dan.stop()
  })

  test('killed anywhere between the index and its fact, each message is announced once', async () => {
    const { url, db } = await openNew()
    const messages = 250
    const observer = await startWriter(url, 'observer')
    for (let told = 0; told < messages - 50; ) {
      const sync = await startWriter(url, 'sync')
      sync.say(`announce ${messages}`)
      // It keeps running until it is killed, at another point each time.
      await observer.until(() => observer.heardOf('sync') > told + 30)
      await sync.kill()
      told = observer.heardOf('sync')
    }
    const sync = await startWriter(url, 'sync')
    sync.say(`announce ${messages}`)
    await sync.until(() => sync.done.includes('done announce'))
    await observer.until(() => observer.heardOf('sync') >= messages)
    expect(uidsOf(await stored(db), 'sync')).toEqual(range(messages))
    expect(uidsOf(observer.heard, 'sync')).toEqual(range(messages))
    for (const one of [sync, observer]) await one.stop()
  })
})
