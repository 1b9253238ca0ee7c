import { Choice } from '../parts/Form.tsx'
import { useWords } from '../words/index.tsx'

/** The role of somebody new; `roles` as they are listed, the last one being the least. */
export function RoleField({ label, roles }: { label: string; roles: readonly { role: string }[] }) {
  const { roles: names } = useWords()
  return (
    <Choice
      label={label}
      name="role"
      options={roles.map(({ role }) => ({ value: role, label: names.names[role] ?? role }))}
      initial={roles.at(-1)?.role ?? ''}
    />
  )
}
