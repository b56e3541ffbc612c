/** Stops one account: nothing is sent or changed in it until a user lifts the stop. */
import { OctagonPause } from 'lucide-react'
import { useState } from 'react'
import type { Account } from '../../contract/accounts.ts'
import { useMay } from '../platform/session.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { FreezeDialog } from './freeze-dialog.tsx'
import { useFreezes } from './use-freezes.ts'

export function StopAccount({ account: { id, name } }: { account: Pick<Account, 'id' | 'name'> }) {
  const mayStop = useMay('dashboard:operate')
  const { data } = useFreezes()
  const [isAsking, setAsking] = useState(false)
  if (data?.items.some(({ account_id: accountId }) => accountId === id)) return <Badge tone="bad">Stopped</Badge>
  if (!mayStop) return null
  return (
    <>
      <Button size="sm" icon={OctagonPause} onClick={() => setAsking(true)}>
        Stop<span className="sr-only">: {name}</span>
      </Button>
      {isAsking && <FreezeDialog target={{ target: 'account', id, name }} onClose={() => setAsking(false)} />}
    </>
  )
}
