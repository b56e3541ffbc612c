/** A message’s own claims about its signature and encryption, and how to leave its mailing list. */
import { z } from 'zod'

export const Protection = z
  .object({
    standard: z.enum(['smime', 'openpgp']),
    kind: z.enum(['signed', 'encrypted', 'unknown']).describe('`unknown`: S/MIME that does not state which of the two'),
    form: z
      .enum(['multipart', 'opaque', 'inline'])
      .describe(
        '`multipart`: as `multipart/signed` or `multipart/encrypted`; `opaque`: S/MIME in one file, with the content in it; ' +
          '`inline`: PGP armor in the text',
      ),
    is_whole: z
      .boolean()
      .describe('It covers the whole message; otherwise only a part, beside which anyone may have added others'),
  })
  .meta({ id: 'Protection' })
export type Protection = z.infer<typeof Protection>

export const Unsubscribe = z
  .object({
    urls: z
      .array(z.string().max(2_000).describe('`https:` or `mailto:`'))
      .max(5)
      .describe('In the order in which the sender prefers them'),
    is_one_click: z
      .boolean()
      .describe('A POST of `List-Unsubscribe=One-Click` to the first `https:` URL is enough (RFC 8058)'),
  })
  .meta({ id: 'Unsubscribe' })
export type Unsubscribe = z.infer<typeof Unsubscribe>
