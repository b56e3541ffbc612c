/** What the environment and the command line say of MCP. */
export const mcpPresets = ['reader', 'organizer', 'drafter'] as const
/** Of the presets of tokens those that send nothing: what is sent wants a token, which has a policy and an owner. */
export type McpPreset = (typeof mcpPresets)[number]

export interface McpConfig {
  /** Which library speaks the protocol. */
  adapter: 'sdk' | 'native'
  /** Of the stdio server; undefined: the preset. */
  token: string | undefined
  preset: McpPreset
  /** In which form the client of the stdio server wants results. */
  results: string | undefined
  /** The stdio server tells Claude Code of new mail. */
  isChannel: boolean
}

export function isMcpPreset(name: string): name is McpPreset {
  return (mcpPresets as readonly string[]).includes(name)
}
