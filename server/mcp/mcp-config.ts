/** Settings for MCP from the environment and the command line. */
export const mcpPresets = ['reader', 'organizer', 'drafter'] as const
/** The token presets that send nothing: sending requires a token, which has a policy and an owner. */
export type McpPreset = (typeof mcpPresets)[number]

export interface McpConfig {
  /** The library that implements the protocol. */
  adapter: 'sdk' | 'native'
  /** Token of the stdio server; undefined to use the preset. */
  token: string | undefined
  preset: McpPreset
  /** The result form that the client of the stdio server wants. */
  results: string | undefined
  /** Whether the stdio server notifies Claude Code of new mail. */
  isChannel: boolean
}

export function isMcpPreset(name: string): name is McpPreset {
  return (mcpPresets as readonly string[]).includes(name)
}
