/** In which form a client wants what a tool answered: as structure, as text, or, unless it says so, as both. */
import { Problem } from '../platform/problem.ts'
import type { ToolInfo, ToolResult } from '../tools/toolbox.ts'
import type { McpResult, McpTool } from './mcp-port.ts'

const forms = ['both', 'structured', 'text'] as const
export type ResultForm = (typeof forms)[number]

const resultHeader = 'rustymail-results'
/** The revision that brought `structuredContent` and `outputSchema`; revisions are days, so that they compare as text. */
const structuredSince = '2025-06-18'

/**
 * No client says in the protocol whether its model is shown structure or text, and either alone leaves some models with nothing: so both, unless it is
 * asked for one of them.
 * @param revision Of the request, as its adapter knows it; else what its headers say.
 * @throws Problem for an unknown form.
 */
export function resultFormOf(
  headers: Headers | undefined,
  revision = headers?.get('mcp-protocol-version') ?? structuredSince,
): ResultForm {
  const wanted = headers?.get(resultHeader) ?? null
  if (wanted === null) return revision < structuredSince ? 'text' : 'both'
  const form = forms.find(known => known === wanted.trim().toLowerCase())
  if (form) return form
  throw new Problem('bad_request', `The header RustyMail-Results takes ${forms.join(', ')}.`)
}

/** A tool that answers as text declares no structure: a client would hold its answers against that. */
export function toListed({ outputSchema, ...info }: ToolInfo, form: ResultForm): McpTool {
  return form === 'text' ? info : { ...info, outputSchema }
}

/** A problem is always text alone: clients before 2026 hold whatever is structured against the schema of a success. */
export function toAnswer(result: ToolResult, form: ResultForm): McpResult {
  const text = (words: string) => [{ type: 'text' as const, text: words }]
  if (result.isError) return { isError: true, content: text(JSON.stringify(result.problem)) }
  const { output } = result
  if (form === 'text') return { content: text(JSON.stringify(output)) }
  const words = form === 'structured' ? summaryOf(output) : JSON.stringify(output)
  return { content: text(words), structuredContent: { ...output } }
}

/** Names and counts alone, and nothing that a stranger wrote. */
function summaryOf(output: object): string {
  const parts = Object.entries(output).flatMap(([name, value]) => {
    if (Array.isArray(value)) return `${name} (${value.length})`
    return value === undefined ? [] : name
  })
  return `See structuredContent: ${parts.join(', ')}.`
}
