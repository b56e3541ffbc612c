/** Renders a model's Markdown with our own elements: no HTML, no remote content, no automatic navigation. */
import type { Token, Tokens } from 'marked'
import { memo, type ReactNode, useEffect, useState } from 'react'
import { CopyButton } from '../ui/copy-button.tsx'
import { AnswerLink } from './answer-link.tsx'
import { GrowingMarkdown } from './growing-markdown.ts'

/** Milliseconds without growth after which the text is parsed to its end. */
const catchUpMs = 300

export const MarkdownText = memo(function MarkdownText({ text }: { text: string }) {
  // Returns the same result for the same text, so this is a cache rather than state.
  const [markdown] = useState(() => new GrowingMarkdown())
  const [, setReadAt] = useState(0)
  const blocks = markdown.read(text)
  const { isBehind } = markdown
  useEffect(() => {
    if (!isBehind) return undefined
    const timer = setTimeout(() => {
      markdown.readWhole()
      setReadAt(text.length)
    }, catchUpMs)
    return () => clearTimeout(timer)
  }, [markdown, isBehind, text])
  return (
    <div className="min-w-0 space-y-3">
      {blocks.map((token, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only appended
        <div key={index} className="drawn-in-view min-w-0">
          <Block token={token} />
        </div>
      ))}
    </div>
  )
})

function Blocks({ tokens }: { tokens: readonly Token[] }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only appended
  return tokens.map((token, index) => <Block key={index} token={token} />)
}

/** Tokens are recreated while the text grows; equal source renders equally. */
const Block = memo(
  function Block({ token }: { token: Token }): ReactNode {
    return Object.hasOwn(blocks, token.type) ? blocks[token.type]?.(token) : <p dir="auto">{token.raw}</p>
  },
  (before, after) => before.token.raw === after.token.raw && before.token.type === after.token.type,
)

const headingLooks = ['text-lg', 'text-lg', 'text-base']

/** The casts are true because each kind has the fields that `marked` declares; `Token` admits unknown kinds. */
const blocks: Readonly<Record<string, (token: Token) => ReactNode>> = {
  // One level for all headings: an answer may start with any level, and levels must not be skipped.
  heading: token => (
    <h3
      dir="auto"
      className={`max-w-prose pt-1 font-semibold break-words ${headingLooks[(token as Tokens.Heading).depth - 1] ?? ''}`}
    >
      <Inline tokens={inside(token)} />
    </h3>
  ),
  paragraph: token => (
    <p dir="auto" className="max-w-prose break-words">
      <Inline tokens={inside(token)} />
    </p>
  ),
  text: token => (
    <div>
      <Inline tokens={inside(token) ?? [token]} />
    </div>
  ),
  code: token => <Code text={(token as Tokens.Code).text} language={(token as Tokens.Code).lang} />,
  blockquote: token => (
    <blockquote className="grid gap-2 border-l-2 pl-3 text-soft">
      <Blocks tokens={inside(token) ?? []} />
    </blockquote>
  ),
  hr: () => <hr />,
  list: token => <List list={token as Tokens.List} />,
  table: token => <Table table={token as Tokens.Table} />,
  checkbox: token => ((token as Tokens.Checkbox).checked ? '☑ ' : '☐ '),
}

function inside(token: Token): readonly Token[] | undefined {
  return 'tokens' in token ? token.tokens : undefined
}

function List({ list: { ordered, start, items } }: { list: Tokens.List }) {
  const rows = items.map((item, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: items are only appended
    <Item key={index} item={item} />
  ))
  const look = 'max-w-prose space-y-1 pl-6'
  if (!ordered) return <ul className={`${look} list-disc`}>{rows}</ul>
  return (
    <ol className={`${look} list-decimal`} start={start === '' ? 1 : start}>
      {rows}
    </ol>
  )
}

const Item = memo(
  function Item({ item }: { item: Tokens.ListItem }) {
    return (
      <li dir="auto" className={item.task ? 'list-none' : undefined}>
        <div className="drawn-in-view min-w-0 space-y-1 break-words">
          <Blocks tokens={joined(item.tokens)} />
        </div>
      </li>
    )
  },
  (before, after) => before.item.raw === after.item.raw,
)

/** Moves a checkbox into the line of its text. */
function joined(tokens: readonly Token[]): readonly Token[] {
  const [box, text, ...others] = tokens
  if (box?.type !== 'checkbox' || !text) return tokens
  const line = { ...text, type: 'text', raw: box.raw + text.raw, tokens: [box, ...(inside(text) ?? [])] }
  return [line, ...others]
}

const sides = { left: 'text-left', center: 'text-center', right: 'text-right' } as const

function sideOf({ align }: Tokens.TableCell): string {
  return align ? sides[align] : 'text-start'
}

function Table({ table: { header, rows } }: { table: Tokens.Table }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: this is not a set of fields
    <div
      role="group"
      aria-label="Table"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard
      tabIndex={0}
      className="min-w-0 overflow-x-auto rounded-md border"
    >
      <table className="min-w-full text-sm">
        <thead className="bg-sunken">
          <tr>
            {header.map((cell, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column is identified by its position
              <th key={index} scope="col" dir="auto" className={`px-3 py-1.5 font-semibold ${sideOf(cell)}`}>
                <Inline tokens={cell.tokens} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows are only appended
            <tr key={index} className="border-t">
              {row.map((cell, column) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a column is identified by its position
                <td key={column} dir="auto" className={`px-3 py-1.5 align-top ${sideOf(cell)}`}>
                  <Inline tokens={cell.tokens} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Code({ text, language }: { text: string; language: string | undefined }) {
  return (
    <figure className="min-w-0 overflow-hidden rounded-md border bg-sunken">
      <figcaption className="flex items-center justify-between border-b py-0.5 pr-1 pl-3 text-xs text-muted">
        <span className="truncate">{language?.split(/\s/)[0] || 'code'}</span>
        <CopyButton text={text} label="Copy the code" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: scrollable content must be reachable by keyboard */}
      <pre tabIndex={0} className="overflow-x-auto p-3 font-mono text-sm focus-visible:-outline-offset-2">
        {text}
      </pre>
    </figure>
  )
}

function Inline({ tokens = [] }: { tokens?: readonly Token[] | undefined }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: pieces are only appended
  return tokens.map((token, index) => <Piece key={index} token={token} />)
}

function Piece({ token }: { token: Token }): ReactNode {
  return Object.hasOwn(pieces, token.type) ? pieces[token.type]?.(token) : token.raw
}

const pieces: Readonly<Record<string, (token: Token) => ReactNode>> = {
  text: token => (inside(token) ? <Inline tokens={inside(token)} /> : withoutEntities((token as Tokens.Text).text)),
  escape: token => (token as Tokens.Escape).text,
  br: () => <br />,
  strong: token => (
    <strong className="font-semibold">
      <Inline tokens={inside(token)} />
    </strong>
  ),
  em: token => (
    <em>
      <Inline tokens={inside(token)} />
    </em>
  ),
  del: token => (
    <del>
      <Inline tokens={inside(token)} />
    </del>
  ),
  codespan: token => (
    <code className="rounded-sm bg-sunken px-1 font-mono text-sm break-words">{(token as Tokens.Codespan).text}</code>
  ),
  checkbox: token => ((token as Tokens.Checkbox).checked ? '☑ ' : '☐ '),
  link: token => (
    <AnswerLink href={(token as Tokens.Link).href}>
      <Inline tokens={inside(token)} />
    </AnswerLink>
  ),
  image: token => <AnswerImage image={token as Tokens.Image} />,
}

/** An image is named, not loaded: a request would leak the URL's contents, and that the answer was read. */
function AnswerImage({ image: { text, href } }: { image: Tokens.Image }) {
  return (
    <span className="rounded-sm border border-dashed px-1 text-sm text-muted wrap-anywhere">
      Image not loaded: <bdi>{text || 'without a name'}</bdi> (<bdi>{href.slice(0, 200)}</bdi>)
    </span>
  )
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' }

/** Decodes the entities that models write for characters with a meaning in Markdown. */
function withoutEntities(text: string): string {
  return text.replaceAll(/&(amp|lt|gt|quot|apos|nbsp|#39);/g, (_, name: string) => entities[name] ?? "'")
}
