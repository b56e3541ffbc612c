/** Names and descriptions of the roles. */
import type { Role } from '../../contract/access.ts'

export const roleWords: Record<Role, { label: string; may: string }> = {
  viewer: { label: 'Viewer', may: 'Can view the dashboard.' },
  operator: { label: 'Operator', may: 'Can also act on the dashboard and read mail.' },
  administrator: { label: 'Administrator', may: 'Can do everything, in all accounts.' },
}
