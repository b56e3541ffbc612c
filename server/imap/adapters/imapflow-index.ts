/** Maps a fetched row to the message data that the index stores. */
import type { FetchMessageObject } from 'imapflow'
import type { IndexHeader } from '../gateway-capabilities.ts'
import { countOf, toAddresses, toLine } from './imapflow-message.ts'
import type { Row } from './imapflow-rows.ts'
import { cutsOf } from './imapflow-value.ts'

const mostReferences = 100
const mostNames = 100

export function toIndexHeader({ header, row, structure }: Row): IndexHeader {
  const { envelope = {} } = row ?? {}
  const cuts = row ? cutsOf(row) : new Map()
  const [cc, bcc] = [toAddresses(envelope.cc), toAddresses(envelope.bcc)]
  const names = (structure?.attachments ?? []).map(({ name }) => name).filter(name => name !== null)
  return {
    ...header,
    emailId: row?.emailId || null,
    inReplyTo: toLine(envelope.inReplyTo) || null,
    references: referencesOf(row?.headers),
    cc,
    ccCount: countOf(cuts, 'cc', cc),
    bcc,
    bccCount: countOf(cuts, 'bcc', bcc),
    attachmentNames: names.slice(0, mostNames),
  }
}

function referencesOf(headers: FetchMessageObject['headers']): string[] {
  const field = /^references[ \t]*:(.*(?:\r?\n[ \t].*)*)/im.exec(headers?.toString('latin1') ?? '')?.[1] ?? ''
  return (field.match(/<[^<>\s]{1,996}>/g) ?? []).slice(-mostReferences).map(toLine)
}
