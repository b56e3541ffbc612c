/** An address for models: name and address separately; long names are cut, addresses never. */

import { z } from 'zod'
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { Address } from '../../contract/mail.ts'
import { cleanLine } from '../reading/stranger-text.ts'
import { brief } from '../tools/tool.ts'
import { asciiAddress } from './ascii-address.ts'

export const Person = z
  .object({
    name: z.string().optional(),
    email: z.string().optional(),
    /** The beginning of an invalid address. */
    invalid: z.string().optional(),
  })
  .meta(brief)
export type Person = z.infer<typeof Person>

const maxName = 120
const maxInvalid = 60

export function toPerson({ name, email }: Address): Person {
  const words = cleanLine(name ?? '', maxName)
  const address = asciiAddress(email)
  const called = words === '' || lowerAscii(words) === lowerAscii(address ?? '') ? {} : { name: words }
  if (address !== undefined) return { ...called, email: address }
  return { ...called, ...(email !== '' && { invalid: cleanLine(email, maxInvalid) }) }
}
