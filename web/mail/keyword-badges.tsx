/** Labels that people and programs gave a message. */
import { Badge } from '../ui/badge.tsx'
import { keywordWords } from './mail-words.ts'

/**
 * The labels.
 * @param most Maximum shown; the rest are counted, and named on hover.
 */
export function KeywordBadges({ keywords, most }: { keywords: readonly string[]; most: number }) {
  const words = keywordWords(keywords)
  const hidden = words.slice(most)
  return (
    <>
      {words.slice(0, most).map(word => (
        <Badge key={word} tone="info">
          <bdi className="max-w-24 truncate">{word}</bdi>
        </Badge>
      ))}
      {hidden.length > 0 && (
        <span title={hidden.join(', ')}>
          +{hidden.length}
          <span className="sr-only"> more labels: {hidden.join(', ')}</span>
        </span>
      )}
    </>
  )
}
