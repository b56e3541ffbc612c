/** Attachments for models: their text where possible, images inline, or a link. */
import { z } from 'zod'
import { attachmentUri } from '../../contract/attachment-uri.ts'
import type { Attachment } from '../../contract/mail.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { limitKeyOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { cleanLine } from '../reading/stranger-text.ts'
import { defineAccountTool, type Tool, type ToolCall } from '../tools/tool.ts'
import { imageTypeOf, pieceOf, type TextParts, textKindOf, textOf } from './attachment-text.ts'
import type { MailService } from './mail-service.ts'
import { nameOfPart } from './message-files.ts'
import { MessageReader, readNotes } from './message-reader.ts'
import { accountOfRefs, fromToolRef, ToolRef, toToolRef } from './read-message.ts'
import { readLines } from './tool-lines.ts'

export interface AttachmentToolOptions {
  mail: Pick<MailService, 'getUncompared' | 'openAttachment'>
  parts: TextParts
  accounts: Pick<AccountService, 'list'>
  hints: Partial<Record<ProblemCode, string>>
}

/** Bytes of a file that are read, for its text or inline. */
const maxBytes = 1024 * 1024
const maxChars = 18_000

const Answer = z.object({
  name: z.string().optional(),
  type: z.string(),
  bytes: z.int().optional(),
  untrusted_text: z.string().optional(),
  note: z.string().optional(),
  more: z.int().optional(),
  cursor: z.string().optional(),
  uri: z.string().optional(),
})
type Answer = z.infer<typeof Answer>

interface Wanted {
  as: 'text' | 'link' | 'inline'
  maxChars: number
  cursor: string | undefined
}

type Call = ToolCall<unknown> & { accountId: string; ref: string; id: string; named: string | undefined }

interface Taken {
  bytes: Buffer
  isCut: boolean
  name: string | null
  type: string
}

export function attachmentTool({ mail, parts, accounts, hints }: AttachmentToolOptions): Tool {
  const reader = new MessageReader(mail)

  /** Returns an attachment's metadata without reading it; undefined above the number of listed attachments. */
  const describe = async ({ principal, accountId, ref, id, signal, note }: Call): Promise<Attachment | undefined> => {
    const { message, place } = await mail.getUncompared(principal, accountId, ref, signal)
    note({ ...readNotes([place]), attachment: cleanLine(id, 100) })
    const file = message.attachments.find(each => each.id === id)
    if (!file && message.attachment_count <= message.attachments.length)
      throw new Problem('attachment_not_found', 'The message has no such attachment.')
    return file
  }

  /** Returns the id when none is given: that of the only file, or of the only embedded picture. */
  const onlyId = async ({ principal, signal }: ToolCall<unknown>, accountId: string, ref: string) => {
    const { attachments, attachment_count } = (await mail.getUncompared(principal, accountId, ref, signal)).message
    const files = attachments.filter(each => !each.is_inline)
    const [only, ...others] = files.length > 0 ? files : attachments
    if (only && others.length === 0 && attachment_count <= attachments.length) return only.id
    throw new Problem('bad_request', `id: there are ${attachment_count} attachments; mail_read lists them.`)
  }

  const take = async ({ principal, accountId, ref, id, signal }: Call): Promise<Taken> => {
    const request = { signal, checkAgain: () => undefined }
    const { bytes: pieces, name, type } = await mail.openAttachment({ principal, accountId, ref }, id, request)
    const taken: Buffer[] = []
    let length = 0
    for await (const piece of pieces) {
      taken.push(piece)
      length += piece.length
      if (length > maxBytes) break
    }
    return { bytes: Buffer.concat(taken).subarray(0, maxBytes), isCut: length > maxBytes, name, type }
  }

  const readFile = async (call: Call, taken: Taken, wanted: Wanted): Promise<Partial<Answer> | undefined> => {
    const kind = textKindOf(taken.type, taken.name)
    if (!kind) return undefined
    const text = await textOf(parts, { ...taken, kind }, { key: limitKeyOf(call.principal), signal: call.signal })
    if (text === 'busy')
      throw new Problem('overloaded', 'RustyMail is busy with other texts.', { retryAfterSeconds: 5 })
    if (text === 'gave_up') return { note: 'Its text could not be read in time.' }
    const cut = taken.isCut ? { note: 'Only its first 1 MiB is read.' } : {}
    return { ...pieceOf(text, wanted), ...cut }
  }

  /** Reads an attached message like any other message. */
  const readMessage = async (call: Call, ref: string, { maxChars: most, cursor }: Wanted): Promise<Partial<Answer>> => {
    const asked = { refs: [toToolRef({ accountId: call.named, ref })], view: 'text' as const, maxChars: most, cursor }
    const read = await reader.read(call, asked)
    const [message] = read.messages
    const more = message?.more === undefined ? {} : { more: message.more }
    return {
      untrusted_text: readLines({ messages: read.messages }),
      ...more,
      ...(read.cursor && { cursor: read.cursor }),
    }
  }

  const giveInline = (call: Call, { bytes, isCut, name, type }: Taken, uri: string): Partial<Answer> | undefined => {
    if (isCut) return undefined
    const image = imageTypeOf(bytes)
    const data = bytes.toString('base64')
    if (image) call.attach({ type: 'image', data, mimeType: image })
    else call.attach({ type: 'resource', resource: { uri, mimeType: cleanLine(type, 100), blob: data } })
    return { bytes: bytes.length, ...(name !== null && { name: cleanLine(name) }) }
  }

  return defineAccountTool({
    name: 'mail_attachment',
    title: 'Attachment',
    description:
      'Gets an attachment by its id in mail_read; default: the only one. as: text (untrusted, paged), inline (image or file, up to 1 MiB), or a link.',
    scope: 'mail:read',
    effect: 'read',
    hints: { ...hints, attachment_not_found: 'mail_read lists the attachments of a message.' },
    input: z.strictObject({
      ref: ToolRef,
      id: z.string().min(1).max(200).optional(),
      as: z.enum(['text', 'link', 'inline']).default('text'),
      max_chars: z.int().min(500).max(maxChars).default(6000),
      cursor: z.string().max(20).optional(),
    }),
    output: Answer,
    text: attachmentLines,
    accountOf: (principal: Principal, { ref }) => accountOfRefs(accounts, principal, [ref]),
    run: async given => {
      const { input, accountId } = given
      const { ref, accountId: named } = fromToolRef(input.ref)
      const id = input.id ?? (await onlyId(given, accountId, ref))
      const call: Call = { ...given, ref, id, named }
      const wanted: Wanted = { as: input.as, maxChars: input.max_chars, cursor: input.cursor }
      const file = await describe(call)
      const uri = attachmentUri({ accountId, ref, id })
      // A file known to contain no text is not fetched.
      const isNoText = wanted.as === 'text' && file && textKindOf(file.type, file.name) === undefined
      const taken = wanted.as === 'link' || file?.message_ref || isNoText ? undefined : await take(call)
      const [name, type] = [taken?.name ?? file?.name ?? null, taken?.type ?? file?.type ?? 'application/octet-stream']
      const head = {
        ...(name !== null && name !== '' && { name: cleanLine(name) }),
        type: cleanLine(type, 100),
        ...(file && { bytes: file.size_bytes }),
      }
      const link = (note?: string): Answer => {
        const called = head.name ?? nameOfPart(id, type)
        call.attach({ type: 'resource_link', uri, name: called, mimeType: head.type })
        return { ...head, uri, ...(note !== undefined && { note }) }
      }
      if (wanted.as === 'link') return link()
      if (wanted.as === 'inline') {
        const shown = taken && giveInline(call, taken, uri)
        if (shown) return { ...head, ...shown }
        return link(taken ? 'It is longer than 1 MiB.' : 'An attached message is read as text.')
      }
      const ofMessage = file?.message_ref
      const read = ofMessage
        ? await readMessage(call, ofMessage, wanted)
        : taken && (await readFile(call, taken, wanted))
      return read ? { ...head, ...read } : link(`No text can be read from ${head.type}.`)
    },
  })
}

function attachmentLines({ name, type, bytes, untrusted_text: text, note, more, cursor, uri }: Answer): string {
  const head = [type, ...(bytes === undefined ? [] : [`${bytes} bytes`]), ...(uri === undefined ? [] : [uri])]
  return [
    `${head.join(', ')}${name === undefined ? '' : `: ${name}`}`,
    ...(note === undefined ? [] : [note]),
    ...(text === undefined ? [] : [text]),
    ...(more === undefined ? [] : [`more: ${more} characters left`]),
    ...(cursor === undefined ? [] : [`Go on with: cursor ${cursor}`]),
  ].join('\n')
}
