/** Pieces that several contract files share: times, ids, paging. */
import { z } from 'zod'

/** ISO 8601, UTC, milliseconds: `2026-11-22T18:14:03.120Z`. */
export const Timestamp = z.iso.datetime({ precision: 3 })

/** A time in a request: ISO 8601 with any precision and offset, rewritten as a `Timestamp`. */
export const GivenTime = z.iso
  .datetime({ offset: true })
  .overwrite(text => (Number.isNaN(Date.parse(text)) ? text : new Date(text).toISOString()))
  .refine(text => !/^[+-]/.test(text), 'must be in the years 0000 to 9999')

export const AccountId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,40}$/, 'is not an account id')
  .describe('Account id')

/** A text without CR, LF, NUL or other control characters, since it ends up in commands, headers and logs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression rejects control characters
export const line = z.string().regex(/^[^\x00-\x1f\x7f]*$/, 'must be one line without control characters')

/**
 * A name, title or reason that one person types and others read: also without C1 controls, separators of lines, and the explicit controls of
 * direction, which turn round what stands beside it. `line` is for what mail servers and senders chose, which must be sent back as it came.
 */
export const typedLine = line.regex(
  /^[^\u0080-\u009f\u2028-\u202e\u2066-\u2069]*$/,
  'must be one line without control characters, also those of direction',
)

/** Digits of a whole number as numbers are written: `01` is no spelling of 1. */
export const digits = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})$/, 'must be a whole number of at most 9 digits, without leading zeros')

/** A whole number in a query string; nothing that JavaScript would also take for one (`1e3`, `0x10`, blank). */
export function whole(min: number, max: number) {
  return (
    digits
      .transform(Number)
      .pipe(z.int().min(min).max(max))
      // A URL parameter is text, but documented as a number.
      .meta({ type: 'integer', minimum: min, maximum: max })
  )
}

/**
 * Marks a secret of the sender: passwords, codes, proofs. No response has it, and the audit trail stores nothing of it,
 * not even a digest.
 */
export function secret<Type extends z.ZodType>(type: Type): Type {
  return type.meta({ writeOnly: true })
}

/** zod leaves the default of what is transformed out of a schema; `json-schema.ts` puts it back. */
export const defaultMark = 'x-default'

/** The same with a default, which the documents show too. */
export function wholeOr(value: number, min: number, max: number) {
  return whole(min, max)
    .default(value)
    .meta({ [defaultMark]: value })
}

export const Limit = wholeOr(50, 1, 100).describe('How many, 1–100')
export const Cursor = z.string().min(1).max(400).optional().describe('`next_cursor` of the previous response')
