/** Takes an answer apart into text and code; nothing else of Markdown is read. */

export interface AnswerBlock {
  kind: 'text' | 'code'
  text: string
  /** What the fence says the code is. */
  language: string | undefined
}

/** Nothing in it can be given back, so that a line takes no longer than it is long. */
const fence = /^ {0,3}(?<mark>`{3,}|~{3,})\s*(?<language>[\w+#.-]*)/

/** A fence that is not closed yet runs to the end, so that code looks like code while it streams. */
export function answerBlocks(answer: string): AnswerBlock[] {
  const blocks: AnswerBlock[] = []
  let lines: string[] = []
  let opened: { mark: string; language: string | undefined } | undefined
  const close = () => {
    const text = opened ? lines.join('\n') : lines.join('\n').replace(/^\n+/, '').trimEnd()
    if (opened || text) blocks.push({ kind: opened ? 'code' : 'text', text, language: opened?.language })
    lines = []
  }
  for (const line of answer.split('\n')) {
    const { mark, language } = fenceIn(line)
    if (!opened && mark !== undefined) {
      close()
      opened = { mark, language: language || undefined }
    } else if (opened && mark?.startsWith(opened.mark) && line.trim() === mark) {
      close()
      opened = undefined
    } else lines.push(line)
  }
  close()
  return blocks
}

/** Behind its mark stands no other one. */
function fenceIn(line: string): { mark?: string; language?: string } {
  const groups = fence.exec(line)?.groups ?? {}
  return line
    .trimStart()
    .slice(groups.mark?.length ?? 0)
    .includes('`')
    ? {}
    : groups
}
