/** Bounds and flags without their schemas: threads that only write JSON do not load the schema library. */

/** Maximum folders in one response, and maximum length of a path in a request. */
export const folderBounds = { folders: 10_000, path: 1_000 } as const

/** Bounds of sender-controlled texts in JSON, in UTF-16 units; a truncated text ends with `…`. */
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
  /** The maximum line length of a message (RFC 5322, section 2.1.1): a longer id is invalid. */
  id: 998,
  type: 200,
  /** Keywords of a message, and the length of one. */
  keywords: 50,
  keyword: 100,
} as const

/** Maximum UTF-16 units of a subject in a fact; short, since the log holds many facts. */
export const announcedSubject = 300

/** Maximum number of nested protections reported; deeper ones are left out. */
export const maxProtections = 5

/** Warnings about a sender, in the order in which they are reported. */
export const senderWarnings = [
  'invalid_address',
  'unseen_characters',
  'name_shows_other_address',
  'mixed_alphabets',
  'looks_like_other_domain',
] as const

export const flagNames = ['seen', 'flagged', 'answered', 'draft', 'deleted'] as const
