/** What a client may do that is connected, in words; and which of these is chosen before the user chooses. */
import { type ConnectionPreset, connectionPresets } from '../../contract/mcp-auth.ts'
import { type Scope, scopeFamilies } from '../../contract/scope.ts'

export const presetWords: Record<ConnectionPreset, string> = {
  reader: 'Finds and reads messages. Changes nothing.',
  organizer: 'Also marks, labels and moves messages, and changes folders.',
  drafter: 'Also writes drafts. They stay in the account until a person sends them.',
  sender: 'Also asks to send. A person approves each message.',
  autonomous: 'Sends without approval, unless it has read mail of strangers in the last hour.',
}

/** In rising order, those that a user with these scopes may give. */
export function presetsFor(own: readonly Scope[]): ConnectionPreset[] {
  const names = Object.keys(connectionPresets) as ConnectionPreset[]
  return names.filter(name => connectionPresets[name].scopes.every(scope => own.includes(scope)))
}

/** Drafter, or less where the client asks for less, or the user may give only less. */
export function usualPreset(own: readonly Scope[], asksFor: readonly Scope[]): ConnectionPreset | undefined {
  const calm = presetsFor(own).filter(name => name !== 'sender' && name !== 'autonomous')
  // A client that asks for a scope asks for those that it includes.
  const highest = scopeFamilies.mail.findLastIndex(scope => asksFor.includes(scope))
  const isAsked = (name: ConnectionPreset) =>
    connectionPresets[name].scopes.every(scope => scopeFamilies.mail.indexOf(scope) <= highest)
  return calm.findLast(isAsked) ?? calm[0]
}
