/** The user's devices that are notified of approvals, and a switch for this one. */
import { Bell, BellOff, Send } from 'lucide-react'
import type { PushSubscription } from '../../contract/push.ts'
import { agentWords } from '../platform/agent-words.ts'
import { useMay } from '../platform/session.ts'
import { Badge } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { Checkbox } from '../ui/choice.tsx'
import { ErrorNote } from '../ui/error-state.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { type PushAbility, pushAbility } from './push-browser.ts'
import { usePush, useSubscribe, useTestPush, useUnsubscribe } from './use-push.ts'

const obstacles: Record<Exclude<PushAbility, 'ready'>, string> = {
  blocked: 'This browser blocks notifications from this page. Allow them in its settings for this site.',
  insecure: 'Notifications need HTTPS. They do not work at the current address.',
  install:
    'On an iPhone or iPad, add RustyMail to the Home Screen first (Share, then Add to Home Screen), and open it there.',
  missing: 'This browser does not support push notifications.',
}

export function PushPanel() {
  const push = usePush()
  const mayApprove = useMay('mail:send')
  return (
    <Panel title="Notifications" query={push}>
      {({ items, own, public_key: publicKey }) => (
        <div className="grid gap-4 p-4">
          <p className="max-w-prose text-sm text-soft">
            Your devices are notified when a message waits for your approval, even while no page is open. A notification
            opens the message and approves nothing. It never contains any of the message.
          </p>
          {!mayApprove && <p className="text-sm text-soft">You are not notified, because your role may not approve.</p>}
          {publicKey === null ? (
            <p className="text-sm text-soft">Notifications are switched off on this server.</p>
          ) : (
            !own && mayApprove && <ThisDevice publicKey={publicKey} />
          )}
          {items.length > 0 && (
            <ul aria-label="Devices that are notified" className="rounded-md border">
              {items.map(item => (
                <Device key={item.id} device={item} isOwn={item.id === own?.id} publicKey={publicKey} />
              ))}
            </ul>
          )}
        </div>
      )}
    </Panel>
  )
}

function ThisDevice({ publicKey }: { publicKey: string }) {
  const { mutate, isPending, error } = useSubscribe(publicKey)
  const ability = pushAbility()
  if (ability !== 'ready') return <p className="max-w-prose text-sm text-soft">{obstacles[ability]}</p>
  return (
    <div className="grid justify-items-start gap-2">
      <Button className="min-h-11" icon={Bell} isBusy={isPending} onClick={() => mutate('sender')}>
        Notify this device
      </Button>
      {error && <ErrorNote error={error} />}
    </div>
  )
}

interface DeviceProps {
  device: PushSubscription
  isOwn: boolean
  publicKey: string | null
}

function Device({ device, isOwn, publicKey }: DeviceProps) {
  const { user_agent: agent, service, created_at: at, last_success_at: lastAt, failing } = device
  const remove = useUnsubscribe(device, isOwn)
  const test = useTestPush(device)
  const name = agentWords(agent)
  return (
    <li className="grid gap-2 border-b p-3 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <div className="min-w-0 flex-1 basis-48">
          <p className="flex flex-wrap items-center gap-x-2 gap-y-1 font-medium" title={agent}>
            {name}
            {isOwn && <Badge tone="good">This device</Badge>}
          </p>
          <p className="text-xs text-muted wrap-anywhere">
            By <span className="font-mono">{service}</span>, since <RelativeTime at={at} />,{' '}
            {lastAt ? (
              <>
                last notified <RelativeTime at={lastAt} />
              </>
            ) : (
              'not notified yet'
            )}
          </p>
          {failing && <p className="text-xs text-bad wrap-anywhere">Failing: {failing.why}</p>}
        </div>
        <span className="flex flex-wrap gap-2">
          <Button
            size="sm"
            className="max-md:min-h-11"
            icon={Send}
            isBusy={test.isPending}
            disabled={publicKey === null}
            onClick={() => test.mutate()}
          >
            Test<span className="sr-only">: {name}</span>
          </Button>
          <Button
            size="sm"
            className="max-md:min-h-11"
            icon={BellOff}
            isBusy={remove.isPending}
            onClick={() => remove.mutate()}
          >
            {isOwn ? 'Turn off' : 'Remove'}
            <span className="sr-only">: {name}</span>
          </Button>
        </span>
      </div>
      {isOwn && publicKey !== null && <Details device={device} publicKey={publicKey} />}
      {(test.error ?? remove.error) && <ErrorNote error={(test.error ?? remove.error)!} />}
    </li>
  )
}

/** Shown for this device only, because it needs the browser's own subscription. */
function Details({ device: { details }, publicKey }: { device: PushSubscription; publicKey: string }) {
  const { mutate, isPending, error, variables } = useSubscribe(publicKey)
  return (
    <>
      <Checkbox
        label="Show which program asks, and for which account"
        hint="Otherwise only the number of messages. Others may read your lock screen."
        isChecked={(isPending ? variables : details) === 'sender'}
        disabled={isPending}
        onChange={isTelling => mutate(isTelling ? 'sender' : 'none')}
      />
      {error && <ErrorNote error={error} />}
    </>
  )
}
