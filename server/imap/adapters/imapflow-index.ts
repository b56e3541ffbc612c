/** Maps a row that ImapFlow fetched to what the index keeps of a message. */
import type { FetchMessageObject } from 'imapflow'
import type { IndexHeader } from '../gateway-capabilities.ts'

import { structureOf, toContent, toLine } from './imapflow-message.ts'
import type { Row } from './imapflow-rows.ts'

const mostReferences = 100
const mostNames = 100
const noBody = { text: null, html: null, isTruncated: false }

export function toIndexHeader({ header, row }: Row): IndexHeader {
  const nothing = { inReplyTo: null, cc: [], ccCount: 0, bcc: [], bccCount: 0, attachments: [] }
  const { inReplyTo, cc, ccCount, bcc, bccCount, attachments } = row
    ? toContent(row, noBody, structureOf(row))
    : nothing
  const names = attachments.map(({ name }) => name).filter(name => name !== null)
  const references = referencesOf(row?.headers)
  const emailId = row?.emailId || null
  return {
    ...header,
    emailId,
    inReplyTo,
    references,
    cc,
    ccCount,
    bcc,
    bccCount,
    attachmentNames: names.slice(0, mostNames),
  }
}

function referencesOf(headers: FetchMessageObject['headers']): string[] {
  const field = /^references[ \t]*:(.*(?:\r?\n[ \t].*)*)/im.exec(headers?.toString('latin1') ?? '')?.[1] ?? ''
  return (field.match(/<[^<>\s]{1,996}>/g) ?? []).slice(-mostReferences).map(toLine)
}
