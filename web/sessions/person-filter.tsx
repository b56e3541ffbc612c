/** Filters sessions by user. */
import { Select } from '../ui/field.tsx'
import { useUsers } from '../users/use-users.ts'

/** @param user Empty for all users. */
export function PersonFilter({ user, onChange }: { user: string; onChange(user: string): void }) {
  const users = useUsers().data?.items ?? []
  const isKnown = user === '' || users.some(({ id }) => id === user)
  return (
    <search className="mb-3 block max-w-72">
      <Select aria-label="Whose sessions" value={user} onChange={event => onChange(event.target.value)}>
        <option value="">All users</option>
        {users.map(({ id, name, email }) => (
          <option key={id} value={id}>
            {name} ({email})
          </option>
        ))}
        {!isKnown && <option value={user}>A user that is not listed</option>}
      </Select>
    </search>
  )
}
