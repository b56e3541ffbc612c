/** Says in the title and the icon of the window that something is wrong, for a person who looks at another tab. */
import { type ReactNode, useEffect } from 'react'
import { useVerdict } from '../overview/use-verdict.ts'
import { AlarmMark } from '../platform/alarm-mark.ts'
import { useFreshness } from '../platform/live.tsx'
import { type Alarm, alarmOf, icons } from './alarm-words.ts'

export function AlarmProvider({ children }: { children: ReactNode }) {
  const judged = useVerdict()
  const isCutOff = useFreshness(0).isStale
  const alarm = alarmOf(judged?.verdict, isCutOff)
  useWindowIcon(alarm.icon)
  return <AlarmMark value={alarm.mark}>{children}</AlarmMark>
}

function useWindowIcon(icon: Alarm['icon']): void {
  useEffect(() => {
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (!link) return
    link.href = icons[icon]
    // Signing out clears the alarm.
    return () => {
      link.href = icons.well
    }
  }, [icon])
}
