/** Plain text with clickable addresses, which open in a new window without access to this one. */
import { splitLinks } from './text-links.ts'

export function LinkedText({ text }: { text: string }) {
  return splitLinks(text).map((piece, index) =>
    piece.href === undefined ? (
      piece.text
    ) : (
      <a
        // biome-ignore lint/suspicious/noArrayIndexKey: the text never changes
        key={index}
        href={piece.href}
        target="_blank"
        rel="noopener noreferrer"
        referrerPolicy="no-referrer"
        className="text-accent underline wrap-anywhere"
      >
        {piece.text}
      </a>
    ),
  )
}
