/** What was cut out of a row of FETCH, told by the limiter to the code that maps the row: as one more item of the same row, so that it cannot get lost. */
import type { FetchMessageObject } from 'imapflow'

/** No server sends it: to ask for such a section is against the grammar. One that does tells only of its own row. */
const section = 'cut'

/** Stands where a part was dropped that cannot be left out, since a multipart without any would be no multipart. */
export const cutPartType = 'x-cut/x-cut'
export const cutPart = '("x-cut" "x-cut" NIL NIL NIL "7bit" 0)'

export type CutName = 'from' | 'sender' | 'reply_to' | 'to' | 'cc' | 'bcc' | 'parts' | 'headers' | 'structure'

/** Names with numbers: how many addresses a list had, how many parts a message; of `headers` and `structure` whether something is missing. */
export type Cuts = ReadonlyMap<string, number>

/** An item for the end of the list of a row. */
export function encodeCuts(cuts: Cuts): string {
  return ` BODY[${section.toUpperCase()}] "${[...cuts].map(([name, count]) => `${name}=${count}`).join(' ')}"`
}

export function cutsOf(row: Pick<FetchMessageObject, 'bodyParts'>): Cuts {
  const words = row.bodyParts?.get(section)?.toString('latin1', 0, 400) ?? ''
  return new Map([...words.matchAll(/([a-z_]+)=(\d{1,10})/g)].map(([, name = '', count]) => [name, Number(count)]))
}
