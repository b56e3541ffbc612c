/** Dialogs for actions on an agent: disconnect, stop, or revoke its token. */
import type { AgentPeer } from '../../contract/agents.ts'
import { DisconnectDialog } from '../clients/disconnect-dialog.tsx'
import { FreezeDialog } from '../freeze/freeze-dialog.tsx'
import { formatCount } from '../platform/format.ts'
import { TokenDialogs } from '../tokens/token-dialogs.tsx'
import { peerName } from './peer-words.ts'
import { freezeNameOf, usePeerTokens } from './use-peer-tokens.ts'

export type PeerDialogKind = 'disconnect' | 'freeze' | 'revoke'
export interface OpenPeerDialog {
  kind: PeerDialogKind
  peer: AgentPeer
}

export function PeerDialogs({ dialog: { kind, peer }, onClose }: { dialog: OpenPeerDialog; onClose(): void }) {
  const { tokenOf } = usePeerTokens()
  const token = tokenOf(peer)
  if (kind === 'disconnect') return <DisconnectPeer peer={peer} onClose={onClose} />
  if (kind === 'revoke') return token ? <TokenDialogs dialog={{ kind, token }} onClose={onClose} /> : null
  const id = freezeNameOf(peer)
  if (id === undefined) return null
  return <FreezeDialog target={{ target: 'principal', id, name: peer.principal_name }} onClose={onClose} />
}

function DisconnectPeer({ peer, onClose }: { peer: AgentPeer; onClose(): void }) {
  const { client_id: clientId, open_streams: streams } = peer
  const name = peerName(peer)
  return (
    <DisconnectDialog clientId={clientId} title={`Disconnect ${name}?`} name={name} onClose={onClose}>
      {streams > 0
        ? `Its ${formatCount(streams, 'stream')} ${streams === 1 ? 'closes' : 'close'}.`
        : 'It has no stream open.'}{' '}
      It may reconnect automatically. To keep it out, stop or revoke its token.
    </DisconnectDialog>
  )
}
