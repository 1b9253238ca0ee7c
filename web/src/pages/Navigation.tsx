import { Link, type LinkProps } from '@tanstack/react-router'
import type { Me } from '../api/routes.ts'
import { isOperators } from '../audience.ts'
import { may } from '../permissions.ts'
import { useWords } from '../words/index.tsx'

interface Group {
  title: string
  links: { to: NonNullable<LinkProps['to']>; name: string }[]
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
  const shown = ({ needs }: { needs: string }) => may(me, needs)
  const people = [
    { to: '/settings/users', name: isOperators ? nav.operators : nav.users, needs: 'people.read' },
    { to: '/settings/roles', name: nav.roles, needs: 'people.read' },
  ] as const
  const access = [
    { to: '/settings/operator-access', name: nav.operatorAccess, needs: 'security.read' },
  ] as const
  const audit = [{ to: '/settings/audit', name: nav.audit, needs: 'audit.read' }] as const
  const tenants = [{ to: '/tenants', name: nav.tenants, needs: 'tenants.read' }] as const
  const groups: Group[] = isOperators
    ? [{ title: nav.deployment, links: [...tenants, ...people, ...audit].filter(shown) }, account]
    : [
        { title: `${nav.settings} › ${nav.people}`, links: [...people, ...access, ...audit].filter(shown) },
        account,
      ]
  return groups.filter(({ links }) => links.length > 0)
}
