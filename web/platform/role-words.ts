/** The roles as people say them. */
import type { Role } from '../../contract/access.ts'

export const roleWords: Record<Role, { label: string; may: string }> = {
  viewer: { label: 'Viewer', may: 'Looks at the dashboard.' },
  operator: { label: 'Operator', may: 'Acts on the dashboard too, and reads mail.' },
  administrator: { label: 'Administrator', may: 'May do everything, in all accounts.' },
}
