/**
 * Finds the content that Outlook packed into a `winmail.dat` (TNEF, MS-OXTNEF) while streaming it. Files are returned
 * as byte ranges, to be read later; only names and the body are buffered. Strangers chose all numbers, so each length
 * is checked against its container.
 */
import { ByteSteps, Damaged, type Steps } from './byte-steps.ts'
import { charsetOf, mapiType, type PackedText, readProperties, readText } from './mapi-properties.ts'

export interface PackedFile {
  /** Counted from one, in file order. */
  number: number
  offset: number
  length: number
  /** The most specific of its names. */
  name: PackedText | null
  type: PackedText | null
  contentId: PackedText | null
  /** An Outlook message is nested TNEF; an object is an OLE object. */
  kind: 'file' | 'message' | 'object'
}

export interface Tnef {
  /** The Outlook item type: `IPM.Note`, `IPM.Appointment`. */
  messageClass: PackedText | null
  files: PackedFile[]
  html: PackedText | null
  text: PackedText | null
  /** Compressed (MS-OXRTFCP). */
  rtf: Buffer | null
  isTextCut: boolean
  /** True when everything was read and all checksums matched. */
  isWhole: boolean
}

/** Bounds: files returned, attributes and properties inspected, bytes of a name and of a body. */
const [maxFiles, maxSteps, maxName, maxBody] = [200, 20_000, 1_024, 1024 * 1024]
const signature = 0x223e9f78
const [ofMessage, ofFile] = [1, 2]
const attribute = {
  ...{ messageClass: 0x8008, body: 0x800c, data: 0x800f, title: 0x8010, transportName: 0x9001 },
  ...{ begin: 0x9002, properties: 0x9003, ofAttachment: 0x9005, codepage: 0x9007 },
}
const property = {
  ...{ body: 0x1000, rtf: 0x1009, html: 0x1013, displayName: 0x3001, data: 0x3701, fileName: 0x3704 },
  ...{ longName: 0x3707, type: 0x370e, contentId: 0x3712, codepage: 0x3fde },
}
/** Interface id of an attached message. */
const messageId = Buffer.from('0703020000000000c000000000000046', 'hex')
/** Kinds of names, the most specific first. */
const names = ['long', 'file', 'title', 'display', 'transport'] as const

type Open = PackedFile & { names: Partial<Record<(typeof names)[number], PackedText>> }

/** Returns a message's subject; its file name would be that of another file. */
function bestName(kind: PackedFile['kind'], known: Open['names']): PackedText | null {
  const all = kind === 'message' ? [known.display, known.title] : names.map(each => known[each])
  return all.find(name => name !== undefined && name.bytes.length > 0) ?? null
}

export class TnefReader {
  readonly #source = new ByteSteps(maxSteps)
  readonly #files: Open[] = []
  readonly #told: Pick<Tnef, 'messageClass' | 'html' | 'text' | 'rtf' | 'isTextCut'> = {
    ...{ messageClass: null, html: null, text: null, rtf: null, isTextCut: false },
  }
  /** The file being read; also one above the limit. */
  #file: Open | undefined
  #codepage: number | undefined
  #htmlCodepage: number | undefined
  #isDamaged = false
  /** End of the last attribute: the input is complete if it ends there. */
  #end = -1

  constructor() {
    this.#source.run(this.#read())
  }

  get isDone(): boolean {
    return this.#source.isDone
  }

  push(piece: Buffer): void {
    this.#source.push(piece)
  }

  /** Called after the last piece. */
  end(): Tnef {
    const { at } = this.#source
    const files = this.#files.map(({ names: known, ...file }) => ({
      ...file,
      length: Math.max(0, Math.min(file.length, at - file.offset)),
      name: bestName(file.kind, known),
    }))
    const { html } = this.#told
    const charset = html?.charset ?? charsetOf(this.#htmlCodepage)
    return {
      ...this.#told,
      html: html && { ...html, charset },
      files: files.filter(({ length, name }) => length > 0 || name !== null),
      isWhole: !this.#isDamaged && at === this.#end,
    }
  }

  *#read(): Steps<void> {
    const source = this.#source
    const head = yield* source.take(6, Number.POSITIVE_INFINITY)
    this.#isDamaged = head.readUInt32LE() !== signature
    for (let isOpen = !this.#isDamaged; isOpen; isOpen = source.hasSteps) {
      this.#end = source.at
      const start = yield* source.take(9, Number.POSITIVE_INFINITY)
      const [level, id, length] = [start[0]!, start.readUInt16LE(1), start.readUInt32LE(5)]
      if (level !== ofMessage && level !== ofFile) break
      const end = source.at + length
      source.sum = 0
      try {
        source.count()
        yield* level === ofMessage ? this.#ofMessage(id, length, end) : this.#ofFile(id, length, end)
      } catch (error) {
        if (!(error instanceof Damaged)) throw error
        this.#isDamaged = true
      }
      yield* source.skip(end - source.at, end)
      const sum = source.sum & 0xffff
      const said = yield* source.take(2, Number.POSITIVE_INFINITY)
      this.#isDamaged ||= said.readUInt16LE() !== sum
    }
  }

  *#ofMessage(id: number, length: number, end: number): Steps<void> {
    const told = this.#told
    if (id === attribute.codepage) this.#codepage = yield* this.#source.number(end)
    if (id === attribute.messageClass) told.messageClass = yield* this.#text(mapiType.string, length, maxName)
    if (id === attribute.body) told.text ??= yield* this.#body(mapiType.string, length)
    if (id === attribute.properties) {
      yield* readProperties(this.#source, end, (...value) => this.#takeOfMessage(...value))
    }
  }

  *#takeOfMessage(id: number, type: number, length: number): Steps<void> {
    const told = this.#told
    if (id === property.codepage && length === 4) this.#htmlCodepage = (yield* this.#bytes(length)).readUInt32LE()
    if (id === property.body) told.text = yield* this.#body(type, length)
    if (id === property.html) told.html = yield* this.#body(type, length)
    if (id !== property.rtf) return
    // A truncated compressed body would be useless.
    if (length <= maxBody) told.rtf = yield* this.#bytes(length)
    else told.isTextCut = true
  }

  *#ofFile(id: number, length: number, end: number): Steps<void> {
    const file = this.#file && id !== attribute.begin ? this.#file : this.#begin()
    this.#file = file
    if (id === attribute.data && length > 0) Object.assign(file, { offset: this.#source.at, length })
    if (id === attribute.title) file.names.title = yield* this.#text(mapiType.string, length, maxName)
    if (id === attribute.transportName) file.names.transport = yield* this.#text(mapiType.string, length, maxName)
    if (id === attribute.ofAttachment) {
      yield* readProperties(this.#source, end, (...value) => this.#takeOfFile(file, ...value))
    }
  }

  #begin(): Open {
    const number = this.#files.length + 1
    const nothing = { name: null, type: null, contentId: null, names: {} }
    const file: Open = { number, offset: 0, length: 0, kind: 'file', ...nothing }
    if (number <= maxFiles) this.#files.push(file)
    else this.#isDamaged = true
    return file
  }

  *#takeOfFile(file: Open, id: number, type: number, length: number): Steps<void> {
    if (id === property.longName) file.names.long = yield* this.#text(type, length, maxName)
    if (id === property.fileName) file.names.file = yield* this.#text(type, length, maxName)
    if (id === property.displayName) file.names.display = yield* this.#text(type, length, maxName)
    if (id === property.type) file.type = yield* this.#text(type, length, maxName)
    if (id === property.contentId) file.contentId = yield* this.#text(type, length, maxName)
    if (id !== property.data) return
    // An object begins with its interface id.
    const of = type === mapiType.object && length >= messageId.length ? yield* this.#bytes(messageId.length) : undefined
    if (of) file.kind = of.equals(messageId) ? 'message' : 'object'
    const left = length - (of?.length ?? 0)
    if (left > 0) Object.assign(file, { offset: this.#source.at, length: left })
  }

  /** Reads a value whose length was checked against its container. */
  *#bytes(length: number): Steps<Buffer> {
    return yield* this.#source.take(length, Number.POSITIVE_INFINITY)
  }

  *#text(type: number, length: number, most: number): Steps<PackedText> {
    return yield* readText(this.#source, { type, length, most, codepage: this.#codepage })
  }

  *#body(type: number, length: number): Steps<PackedText> {
    this.#told.isTextCut ||= length > maxBody
    return yield* this.#text(type, length, maxBody)
  }
}
