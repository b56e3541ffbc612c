/** Bounds and flags without their schemas: threads that only write JSON do without the library of schemas. */

/** Folders in one answer, and the length of a path that can be asked for. */
export const folderBounds = { folders: 10_000, path: 1_000 } as const

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

/** In the order in which they are told. */
export const senderWarnings = [
  'invalid_address',
  'unseen_characters',
  'name_shows_other_address',
  'mixed_alphabets',
  'looks_like_other_domain',
] as const

export const flagNames = ['seen', 'flagged', 'answered', 'draft', 'deleted'] as const
