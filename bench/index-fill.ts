/** Fills an account's index as a first sync does: headers newest first, then texts; threads of up to 20 messages. */
import type { IndexOperations } from '../server/index/index-operations.ts'
import type { MessageRecord, TextRecord } from '../server/index/index-types.ts'
import type { CorpusMessage } from './index-corpus.ts'

/** Batch sizes of the sync. */
const sizes = { headers: 400, texts: 200 } as const

export async function fillIndex(
  index: Pick<IndexOperations, 'applyBatch'>,
  messages: readonly CorpusMessage[],
  what: keyof typeof sizes,
): Promise<void> {
  const size = sizes[what]
  for (let to = messages.length; to > 0; to -= size) {
    const from = Math.max(0, to - size)
    const uids = Array.from({ length: to - from }, (_, offset) => from + offset + 1)
    const part =
      what === 'headers'
        ? { added: uids.map(uid => recordOf(messages, uid)), position: { lowestUid: from + 1 } }
        : { texts: uids.map(uid => textOf(messages[uid - 1]!, uid)), position: { lowestTextUid: from + 1 } }
    await index.applyBatch({ path: 'INBOX', uidValidity: 1, announces: false, ...part }, 1)
  }
}

/** Returns the searchable bytes of a message: its text, its subject, and its people as written. */
export function searchedBytes({ body, subject, from, to }: CorpusMessage): number {
  const people = [from, ...to].map(({ name, email }) => `${name} <${email}>`).join(', ')
  return Buffer.byteLength(`${subject}${people}${body}`)
}

/** Three in five messages belong to a thread. */
export function recordOf(messages: readonly CorpusMessage[], uid: number): MessageRecord {
  const { subject, from, to, names, date, sizeBytes } = messages[uid - 1]!
  const root = uid - (uid % 33)
  const isAnswer = uid % 33 > 0 && uid % 33 < 20 && root > 0
  return {
    uid,
    emailId: null,
    messageId: messageIdOf(uid),
    inReplyTo: isAnswer ? messageIdOf(uid - 1) : null,
    references: isAnswer
      ? Array.from({ length: Math.min(8, uid - root) }, (_, index) => messageIdOf(root + index))
      : [],
    subject: isAnswer ? `Re: ${messages[root - 1]!.subject}` : subject,
    from: [from],
    to,
    cc: [],
    bcc: [],
    fromCount: 1,
    toCount: to.length,
    date: new Date(date).toISOString(),
    flags: uid % 10 < 7 ? ['\\Seen'] : uid % 50 === 7 ? ['\\Flagged'] : [],
    sizeBytes,
    hasAttachments: names.length > 0,
    attachmentNames: names,
    faults: [],
  }
}

export function textOf({ body }: CorpusMessage, uid: number): TextRecord {
  return {
    uid,
    parts: [{ type: 'text/plain', charset: 'utf-8', encoding: '8bit', bytes: new TextEncoder().encode(body) }],
  }
}

const messageIdOf = (number: number) => `<${number}.${(number * 2_654_435_761) % 2 ** 32}@example.net>`
