/** What strangers decide the length of in mail, and the people that it names. */
import { z } from 'zod'
import { folderBounds } from './folder.ts'

/** What strangers decide the length of is bounded on its way to JSON; UTF-16 units, and a cut leaves `…` at the end. */
export const mailBounds = {
  ...folderBounds,
  /** Addresses of each list: in a summary, and in a message. */
  listed: 20,
  addresses: 100,
  attachments: 100,
  subject: 1_000,
  name: 300,
  /** RFC 3696 (erratum 1690): no address is longer. */
  email: 320,
  /** A line of a message holds no more (RFC 5322, section 2.1.1): a longer id is none. */
  id: 998,
  type: 200,
  /** Keywords of a message, and the length of one. */
  keywords: 50,
  keyword: 100,
} as const

export const Address = z
  .object({
    name: z.string().max(mailBounds.name).nullable(),
    email: z.string().max(mailBounds.email).describe('Empty where there is none'),
  })
  .meta({ id: 'Address' })
export type Address = z.infer<typeof Address>
