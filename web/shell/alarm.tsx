/** Shows problems in the window's title and icon, for users who look at another tab. */
import { type ReactNode, useEffect } from 'react'
import { useWaitingCount } from '../approvals/use-waiting.ts'
import { useVerdict } from '../overview/use-verdict.ts'
import { AlarmMark } from '../platform/alarm-mark.ts'
import { useFreshness } from '../platform/live.tsx'
import { type Alarm, alarmOf, icons } from './alarm-words.ts'
import { waitingIcon } from './waiting-icon.ts'

export function AlarmProvider({ children }: { children: ReactNode }) {
  const judged = useVerdict()
  const isCutOff = useFreshness(0).isStale
  const waiting = useWaitingCount()
  const alarm = alarmOf(judged?.verdict, isCutOff, waiting)
  useWindowIcon(alarm)
  return <AlarmMark value={alarm.mark}>{children}</AlarmMark>
}

function useWindowIcon({ icon, waiting }: Alarm): void {
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (!link) return
    // Problems of the server take precedence over the number that waits.
    link.href = icon === 'well' && waiting > 0 ? waitingIcon(waiting) : icons[icon]
    // Signing out clears the alarm.
    return () => {
      link.href = icons.well
    }
  }, [icon, waiting])
}
