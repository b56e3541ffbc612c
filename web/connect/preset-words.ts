/** The permissions of a connected client in words, and which preset is preselected. */
import { type ConnectionPreset, connectionPresets } from '../../contract/mcp-auth.ts'
import { type Scope, scopeFamilies } from '../../contract/scope.ts'

export const presetWords: Record<ConnectionPreset, string> = {
  reader: 'Finds and reads messages. Changes nothing.',
  organizer: 'Also marks, labels and moves messages, and changes folders.',
  drafter: 'Also writes drafts. They stay in the account until a person sends them.',
  sender: 'Also asks to send. A human approves each message.',
  autonomous: 'Sends without approval, unless it has read mail of strangers in the last hour.',
}

/** Returns the presets that a user with these scopes may grant, in rising order. */
export function presetsFor(own: readonly Scope[]): ConnectionPreset[] {
  const names = Object.keys(connectionPresets) as ConnectionPreset[]
  return names.filter(name => connectionPresets[name].scopes.every(scope => own.includes(scope)))
}

/** Returns the preselected preset: drafter, or less if the client asks for less or the user may grant only less. */
export function usualPreset(own: readonly Scope[], asksFor: readonly Scope[]): ConnectionPreset | undefined {
  const calm = presetsFor(own).filter(name => name !== 'sender' && name !== 'autonomous')
  // Scopes include the lower ones, so the highest requested one decides.
  const highest = scopeFamilies.mail.findLastIndex(scope => asksFor.includes(scope))
  const isAsked = (name: ConnectionPreset) =>
    connectionPresets[name].scopes.every(scope => scopeFamilies.mail.indexOf(scope) <= highest)
  return calm.findLast(isAsked) ?? calm[0]
}
