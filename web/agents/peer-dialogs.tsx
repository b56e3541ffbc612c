/** What can be done to an agent: its streams closed, all of it stopped, its token revoked. */
import type { AgentPeer } from '../../contract/agents.ts'
import { useDisconnect } from '../clients/use-clients.ts'
import { FreezeDialog } from '../freeze/freeze-dialog.tsx'
import { formatCount } from '../platform/format.ts'
import { TokenDialogs } from '../tokens/token-dialogs.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { useToast } from '../ui/toast.tsx'
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
  const { mutate, isPending, error } = useDisconnect()
  const toast = useToast()
  const name = peerName(peer)
  const { client_id: clientId, open_streams: streams } = peer
  const disconnect = () => {
    if (clientId === null) return onClose()
    mutate(clientId, {
      onSuccess: () => {
        toast({ tone: 'good', title: 'Disconnected', detail: name })
        onClose()
      },
    })
  }
  return (
    <ConfirmDialog
      isOpen
      title={`Disconnect ${name}?`}
      confirmLabel="Disconnect"
      isBusy={isPending}
      error={error}
      onConfirm={disconnect}
      onClose={onClose}
    >
      <p>
        {streams > 0
          ? `Its ${formatCount(streams, 'stream')} ${streams === 1 ? 'closes' : 'close'}.`
          : 'It has no stream open.'}{' '}
        It may come back by itself: to keep it away, stop or revoke its token.
      </p>
    </ConfirmDialog>
  )
}
