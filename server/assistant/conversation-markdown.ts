/** Renders a conversation as Markdown: questions, answers, look-ups and actions. */
import type { AnswerBlock, AssistantAnswer } from '../../contract/answers.ts'
import type { Conversation } from '../../contract/conversations.ts'

export function toMarkdown({ title, created_at: createdAt, items }: Conversation): string {
  return [`# ${oneLine(title)}`, `Begun ${createdAt}.`, ...items.flatMap(answerLines)].join('\n\n').concat('\n')
}

function answerLines({ question, asked_at: at, blocks, provider, model, problem }: AssistantAnswer): string[] {
  const by = [provider, model].filter(each => each !== null).join(', ')
  return [
    `## ${at}`,
    quoted(question),
    ...blocks.map(blockWords),
    ...(problem ? [`*Failed: ${oneLine(problem.detail)}*`] : []),
    ...(by === '' ? [] : [`— ${oneLine(by)}`]),
  ]
}

function blockWords(block: AnswerBlock): string {
  if (block.type === 'text') return block.text.trim()
  const { title, name, outcome, input, result, citations } = block.call
  const seen = citations.map(({ label, href }) => `- ${oneLine(label)}: ${href}`)
  return [
    `**${oneLine(title)}** (${oneLine(name)}, ${outcome})`,
    fenced(JSON.stringify(input, null, 2) ?? ''),
    ...(result === null ? [] : [fenced(result)]),
    ...(seen.length > 0 ? [seen.join('\n')] : []),
  ].join('\n\n')
}

/** Returns a fence that text of strangers cannot close, whatever it contains. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}\n${text}\n${fence}`
}

function quoted(text: string): string {
  return text
    .split(/\r\n?|\n/)
    .map(line => `> ${line}`)
    .join('\n')
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>#]/g, sign => `\\${sign}`)
}
