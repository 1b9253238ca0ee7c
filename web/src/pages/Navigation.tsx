import { Link, type LinkProps } from '@tanstack/react-router'
import type { Me } from '../api/routes.ts'
import { isOperators } from '../audience.ts'
import { may } from '../permissions.ts'
import type { Words } from '../words/en.ts'
import { useWords } from '../words/index.tsx'

interface Group {
  title: string
  links: { to: NonNullable<LinkProps['to']>; name: string; needs?: string }[]
}

/** The pages that this person may open. */
export function Navigation({ me }: { me: Me }) {
  const { nav } = useWords()
  return (
    <nav aria-label={nav.settings}>
      {useGroups(me).map(({ title, links }) => (
        <div key={title}>
          <h2>{title}</h2>
          <ul>
            {links.map(({ to, name }) => (
              <li key={to}>
                <Link to={to} activeOptions={{ exact: true }}>
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  )
}

function useGroups(me: Me): Group[] {
  const { nav } = useWords()
  const account: Group = {
    title: nav.account,
    links: [
      { to: '/account', name: nav.security },
      { to: '/account/sessions', name: nav.sessions },
      { to: '/account/tokens', name: nav.tokens },
      { to: '/account/activity', name: nav.activity },
    ],
  }
  const groups: Group[] = isOperators
    ? [{ title: nav.deployment, links: forOperators(nav) }, account]
    : [...forMembers(nav), account]
  return groups
    .map(({ title, links }) => ({ title, links: links.filter(({ needs }) => !needs || may(me, needs)) }))
    .filter(({ links }) => links.length > 0)
}

const forOperators = (nav: Words['nav']): Group['links'] => [
  { to: '/tenants', name: nav.tenants, needs: 'tenants.read' },
  { to: '/settings/users', name: nav.operators, needs: 'people.read' },
  { to: '/settings/roles', name: nav.roles, needs: 'people.read' },
  { to: '/settings/audit', name: nav.audit, needs: 'audit.read' },
  { to: '/backups', name: nav.backups, needs: 'backup.read' },
]

const forMembers = (nav: Words['nav']): Group[] => [
  {
    title: `${nav.settings} › ${nav.people}`,
    links: [
      { to: '/settings/users', name: nav.users, needs: 'people.read' },
      { to: '/settings/roles', name: nav.roles, needs: 'people.read' },
      { to: '/settings/operator-access', name: nav.operatorAccess, needs: 'security.read' },
      { to: '/settings/audit', name: nav.audit, needs: 'audit.read' },
    ],
  },
  {
    title: `${nav.settings} › ${nav.company}`,
    links: [
      { to: '/settings/data', name: nav.data, needs: 'export.read' },
      { to: '/settings/billing', name: nav.billing, needs: 'billing.read' },
    ],
  },
]
