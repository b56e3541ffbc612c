/** An address as a program is told of it: name and address apart, the name cut where it is long, the address never. */
import { z } from 'zod'
import type { Address } from '../../contract/mail.ts'
import { cleanLine } from '../reading/stranger-text.ts'
import { brief } from '../tools/tool.ts'
import { asciiAddress } from './ascii-address.ts'

export const Person = z
  .object({
    name: z.string().optional(),
    email: z.string().optional(),
    /** The beginning of what stood there. */
    invalid: z.string().optional(),
  })
  .meta(brief)
export type Person = z.infer<typeof Person>

const maxName = 120
const maxInvalid = 60

export function toPerson({ name, email }: Address): Person {
  const words = cleanLine(name ?? '', maxName)
  const address = asciiAddress(email)
  const called = words === '' || words.toLowerCase() === address?.toLowerCase() ? {} : { name: words }
  if (address !== undefined) return { ...called, email: address }
  return { ...called, ...(email !== '' && { invalid: cleanLine(email, maxInvalid) }) }
}
