/**
 * Random but repeatable changes that a second mail program makes to a mailbox: deliver, flag, move, copy, expunge,
 * rename, recreate.
 */
import type { RawImap } from './raw-imap.ts'

/** A folder's flags by UID, without `\Recent`, which belongs to a session and not to a message. */
export type FolderContent = Map<number, string[]>

/** A small random number generator (mulberry32), so that failures can be reproduced. */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below || 0
  }
}

export class MailboxChaos {
  readonly #imap: Pick<RawImap, 'run' | 'append' | 'move'>
  readonly #random: (below: number) => number
  #number = 0
  readonly folders: string[]
  readonly #prefix: string

  /** @param prefix Prefix of all folders but INBOX: `INBOX.`. */
  constructor(imap: Pick<RawImap, 'run' | 'append' | 'move'>, random: (below: number) => number, prefix = '') {
    this.#imap = imap
    this.#prefix = prefix
    this.folders = ['INBOX', `${prefix}Archive`, `${prefix}Sent`]
    this.#random = random
  }

  async deliver(folder: string): Promise<void> {
    const number = ++this.#number
    const answers =
      number > 3 && this.#random(3) < 1 ? `In-Reply-To: <${1 + Math.floor(this.#random(number - 1))}@x>\r\n` : ''
    const text = `Subject: mail ${number}\r\nFrom: bob@test.local\r\nMessage-ID: <${number}@x>\r\n${answers}\r\nbody ${number}\r\n`
    await this.#imap.append(folder, text)
  }

  async step(): Promise<void> {
    const folder = this.#pick(this.folders)
    const what = this.#random(10)
    if (what < 3) return this.deliver(folder)
    const uids = [...(await this.content(folder)).keys()]
    const some = uids.filter(() => this.#random(4) < 1).slice(0, 5)
    if (some.length === 0) return this.deliver(folder)
    const set = some.join()
    if (what < 5) {
      const flag = this.#pick(['\\Seen', '\\Flagged', '\\Answered', 'work'])
      await this.#imap.run(`UID STORE ${set} ${this.#random(2) < 1 ? '+' : '-'}FLAGS (${flag})`)
      return
    }
    if (what < 7) return this.#imap.move(set, this.#pick(this.folders))
    if (what < 8) return void (await this.#imap.run(`UID COPY ${set} "${this.#pick(this.folders)}"`))
    if (what < 9.3) {
      await this.#imap.run(`UID STORE ${set} +FLAGS (\\Deleted)`)
      return void (await this.#imap.run(`UID EXPUNGE ${set}`))
    }
    await this.#changeFolders()
  }

  /** Selects the folder and returns its content. */
  async content(folder: string): Promise<FolderContent> {
    await this.#imap.run(`SELECT "${folder}"`)
    const answer = await this.#imap.run('UID FETCH 1:* (FLAGS)').catch(() => '')
    const rows = answer.matchAll(/FETCH \((?:UID (\d+) )?FLAGS \(([^)]*)\)(?: UID (\d+))?/g)
    return new Map(
      [...rows].map(([, before, flags = '', behind]) => [
        Number(before ?? behind),
        flags
          .split(' ')
          .filter(flag => flag !== '' && flag !== '\\Recent')
          .toSorted(),
      ]),
    )
  }

  async #changeFolders(): Promise<void> {
    const own = this.folders.filter(folder => folder.startsWith(`${this.#prefix}Box`))
    const name = `${this.#prefix}Box${++this.#number}`
    const chosen = own[Math.floor(this.#random(own.length))]
    if (chosen === undefined || own.length < 2) {
      await this.#imap.run(`CREATE "${name}"`)
      this.folders.push(name)
      return
    }
    await this.#imap.run('SELECT INBOX')
    if (this.#random(2) < 1) {
      await this.#imap.run(`RENAME "${chosen}" "${name}"`)
      this.folders.splice(this.folders.indexOf(chosen), 1, name)
      return
    }
    await this.#imap.run(`DELETE "${chosen}"`)
    // Recreates it under the same name, with another UIDVALIDITY.
    if (this.#random(2) < 1) await this.#imap.run(`CREATE "${chosen}"`)
    else this.folders.splice(this.folders.indexOf(chosen), 1)
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random(list.length))]!
  }
}
